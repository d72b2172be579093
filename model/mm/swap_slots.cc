// Allocates and frees swap slots. See swap_slots.h.
#include "model/mm/swap_slots.h"

#include <algorithm>

#include "model/mm/swap.h"
#include "model/mm/zram.h"
#include "model/mm/zswap.h"

namespace oomcast::mm {

using host::Host;
using host::SlotId;
using host::SwapDevice;

namespace {

constexpr size_t kSlotsCacheSize = 64;                // SWAP_SLOTS_CACHE_SIZE, SWAP_BATCH
constexpr uint32_t kLatencyLimit = 256;               // LATENCY_LIMIT
constexpr int64_t kActivate = 5 * kSlotsCacheSize;    // THRESHOLD_ACTIVATE_SWAP_SLOTS_CACHE
constexpr int64_t kDeactivate = 2 * kSlotsCacheSize;  // THRESHOLD_DEACTIVATE_SWAP_SLOTS_CACHE

// The local variables of scan_swap_map_slots() while it searches one device.
struct Scan {
  Kernel& k;
  SwapDevice& device;
  uint32_t offset = 0;
  uint32_t scan_base = 0;
  uint32_t total() const { return static_cast<uint32_t>(device.total()); }
  bool taken(uint32_t at) const { return device.in_use(at); }
};

// SWAP_HAS_CACHE: only the swap cache holds the slot.
bool cache_only(const Scan& scan, uint32_t at) {
  if (!scan.taken(at)) return false;
  const host::SwapSlot& slot = scan.device.slot(at);
  return slot.cached && slot.map_count == 0;
}

bool swap_full(const Host& host) { return host.free_swap() * 2 < host.total_swap; }

// swap_offset_available_and_locked().
bool worth_a_look(const Scan& scan, uint32_t at) {
  return !scan.taken(at) || (swap_full(scan.k.host) && cache_only(scan, at));
}

// The label `scan`: the next candidate slot, up to the end of the device and then from its beginning.
bool find_next(Scan& scan) {
  for (uint32_t at = scan.offset + 1; at < scan.total(); ++at) {
    if (worth_a_look(scan, at)) return scan.offset = at, true;
  }
  for (uint32_t at = 0; at < scan.scan_base; ++at) {
    if (worth_a_look(scan, at)) return scan.offset = at, true;
  }
  return false;
}

// Where a search on a rotational disk begins: where the last one ended. After 512 slots it looks for 512 free slots in
// a row, from the start of the device, so that the disk's arm moves less.
void start_on_disk(Scan& scan) {
  SwapDevice& device = scan.device;
  scan.offset = scan.scan_base = device.cluster_next;
  if (device.cluster_left > 0) {
    --device.cluster_left;
    return;
  }
  device.cluster_left = SwapDevice::kClusterSlots - 1;
  if (device.free() < SwapDevice::kClusterSlots) return;
  uint32_t run = 0;
  for (uint32_t at = 0; at < scan.total(); ++at) {
    run = scan.taken(at) ? 0 : run + 1;
    if (run < SwapDevice::kClusterSlots) continue;
    scan.offset = device.cluster_next = at + 1 - run;
    return;
  }
  scan.offset = scan.scan_base = 0;
}

// scan_swap_map_try_ssd_cluster(): the next slot of this CPU's own cluster, or of a free one.
bool try_ssd_cluster(Scan& scan) {
  SwapDevice::PercpuCluster& own = scan.device.percpu_cluster[scan.k.sched.current().cpu];
  while (true) {
    if (!own.valid) {
      if (scan.device.free_clusters().empty()) return false;
      const uint32_t cluster = scan.device.free_clusters().front();
      own = {true, cluster, cluster * SwapDevice::kClusterSlots};
    }
    const uint32_t end = std::min((own.cluster + 1) * SwapDevice::kClusterSlots, scan.total());
    while (own.next < end && scan.taken(own.next)) ++own.next;
    if (own.next < end) {
      scan.offset = scan.scan_base = own.next++;
      return true;
    }
    own.valid = false;
  }
}

// "Try to get more slots in cluster", else a free one not far ahead.
bool find_more(Scan& scan) {
  if (!scan.device.spec().rotational) {
    if (try_ssd_cluster(scan)) return true;
  } else if (scan.device.cluster_left > 0 && !scan.taken(++scan.offset)) {
    --scan.device.cluster_left;
    return true;
  }
  const uint32_t end = std::min(scan.offset + kLatencyLimit, scan.total());
  while (scan.offset < end && scan.taken(scan.offset)) ++scan.offset;
  return scan.offset < end;
}

// scan_swap_map_slots(): up to `want` slots of one device.
void scan_swap_map_slots(Kernel& k, SwapDevice& device, size_t want, std::vector<SlotId>& out) {
  if (device.free() == 0) return;
  Scan scan{k, device};
  bool found = true;
  if (device.spec().rotational) {
    start_on_disk(scan);
    if (scan.offset >= scan.total()) scan.offset = scan.scan_base = 0;
  } else if (!try_ssd_cluster(scan)) {
    scan.offset = scan.scan_base = device.cluster_next % scan.total();
  }
  while (found && out.size() < want) {
    // Reuses a slot that only the swap cache holds, when swap is scarce (__try_to_reclaim_swap).
    if (cache_only(scan, scan.offset) && swap_full(k.host) &&
        !k.host.pages[device.slot(scan.offset).page].has(host::kPageLocked)) {
      free_swap(k, device.slot(scan.offset).page);
    }
    if (scan.taken(scan.offset)) {
      if (!out.empty()) break;
      found = find_next(scan);
      continue;
    }
    out.push_back(device.take(scan.offset));
    if (out.size() == want || scan.offset + 1 >= scan.total()) break;
    found = find_more(scan);
  }
  device.cluster_next = scan.offset + 1;
}

// plist_requeue(): the device goes behind the others of its priority.
void requeue(const Host& host, std::vector<uint32_t>& order, uint32_t device) {
  const auto at = std::find(order.begin(), order.end(), device);
  const int priority = host.swaps[device].spec().priority;
  const auto end =
      std::find_if(at, order.end(), [&](uint32_t other) { return host.swaps[other].spec().priority != priority; });
  std::rotate(at, at + 1, end);
}

// get_swap_pages(): takes slots of the first device that has free ones.
void get_swap_pages(Kernel& k, size_t want, std::vector<SlotId>& out) {
  std::vector<uint32_t>& order = k.host.swap_avail_heads[k.sched.current().node];
  const std::vector<uint32_t> turn = order;
  for (uint32_t device : turn) {
    requeue(k.host, order, device);
    scan_swap_map_slots(k, k.host.swaps[device], want, out);
    if (!out.empty()) return;
  }
}

// swapcache_free_entries(). swap_range_free() tells zswap.
void give_back(Kernel& k, std::vector<SlotId>& cache) {
  for (SlotId id : cache) {
    zswap_invalidate(k, id);
    k.host.device(id).release(id);
  }
  k.host.cached_slots -= static_cast<int64_t>(cache.size());
  cache.clear();
}

// check_cache_active(): the slot caches are used while many slots are free, and emptied when few are.
bool cache_active(Kernel& k) {
  Host& host = k.host;
  const int64_t cpus = host.cpu_count(), free = host.free_swap();
  if (!host.swap_slot_cache_active) {
    host.swap_slot_cache_active = free > cpus * kActivate;
  } else if (free < cpus * kDeactivate) {
    host.swap_slot_cache_active = false;
    for (std::vector<SlotId>& cache : host.swap_slot_cache) give_back(k, cache);
    for (std::vector<SlotId>& cache : host.swap_slots_returned) give_back(k, cache);
  }
  return host.swap_slot_cache_active;
}

}  // namespace

SlotId alloc_swap_slot(Kernel& k) {
  std::vector<SlotId>& cache = k.host.swap_slot_cache[k.sched.current().cpu];
  if (cache_active(k)) {
    if (cache.empty()) {
      get_swap_pages(k, kSlotsCacheSize, cache);
      k.host.cached_slots += static_cast<int64_t>(cache.size());
      std::reverse(cache.begin(), cache.end());
    }
    if (!cache.empty()) {
      const SlotId id = cache.back();
      cache.pop_back();
      --k.host.cached_slots;
      return id;
    }
  }
  std::vector<SlotId> one;
  get_swap_pages(k, 1, one);
  return one.empty() ? host::kNoSlot : one.front();
}

void free_swap_slot(Kernel& k, SlotId id) {
  zram_free(k, id);
  const bool at_once = !k.host.swap_slot_cache_active;
  if (at_once || k.follows(host::KernelRule::kZswapByGroup)) zswap_invalidate(k, id);
  if (at_once) {
    k.host.device(id).release(id);
    return;
  }
  std::vector<SlotId>& returned = k.host.swap_slots_returned[k.sched.current().cpu];
  if (returned.size() >= kSlotsCacheSize) give_back(k, returned);
  k.host.slot(id) = host::SwapSlot{};
  returned.push_back(id);
  ++k.host.cached_slots;
}

}  // namespace oomcast::mm
