// Swaps pages out: the swap cache and writes to the device. See swap.h; kernel-spec sections 6.1, 6.2 and 6.4.
#include "model/mm/swap.h"

#include <algorithm>

#include "model/mm/blk_wbt.h"
#include "model/mm/lru.h"
#include "model/mm/memcg.h"
#include "model/mm/swap_slots.h"
#include "model/mm/workingset.h"

namespace oomcast::mm {

using host::Host;
using host::Node;
using host::Page;
using host::PageId;
using host::SlotId;
using host::SwapDevice;
using host::SwapSlot;
using host::Vmstat;

namespace {

constexpr size_t kRequestPagesMax = 254;  // segments of one virtio-blk request
constexpr size_t kPlugFlushPages = 32;    // BLK_PLUG_FLUSH_SIZE
constexpr size_t kPlugRequestsMax = 32;   // BLK_MAX_REQUEST_COUNT

void release_slot(Kernel& k, SlotId id) {
  uncharge_swap(k.host, k.host.slot(id));
  free_swap_slot(k, id);
}

}  // namespace

SwapPlug::SwapPlug(Kernel& k) : k_(k), outer_(k.sched.current().plug) { k.sched.current().plug = this; }

// Does not flush: when a simulation is abandoned, its fibers are unwound, and nothing may be submitted then.
SwapPlug::~SwapPlug() { k_.sched.current().plug = outer_; }

// blk_attempt_plug_merge(), rq_qos_throttle() and blk_add_rq_to_plug().
void SwapPlug::add(SwapIo io) {
  if (!requests_.empty()) {
    std::vector<SwapIo>& last = requests_.back().pages;
    if (last.back().slot + 1 == io.slot && last.size() < kRequestPagesMax) {
      last.push_back(io);
      return;
    }
    if (last.size() >= kPlugFlushPages || requests_.size() >= kPlugRequestsMax) submit_admitted();
  }
  requests_.push_back({{io}, wbt_try_get(k_, host::SwapDevice::device_of(io.slot))});
}

void SwapPlug::submit_admitted() {
  for (const Request& request : requests_) {
    if (request.admitted) k_.block.submit_swap_writes(request.pages, k_.sched.current().cpu, wbt_queue(k_));
  }
  std::erase_if(requests_, [](const Request& request) { return request.admitted; });
}

void SwapPlug::throttle() {
  while (true) {
    const auto waiting =
        std::find_if(requests_.begin(), requests_.end(), [](const Request& request) { return !request.admitted; });
    if (waiting == requests_.end()) return;
    const size_t device = host::SwapDevice::device_of(waiting->pages.front().slot);
    if (!wbt_try_get(k_, device)) {
      submit_admitted();  // io_schedule() sends off what is plugged
      wbt_wait(k_, device);
    }
    std::find_if(requests_.begin(), requests_.end(), [](const Request& request) {
      return !request.admitted;
    })->admitted = true;
  }
}

void SwapPlug::flush() {
  throttle();
  submit_admitted();
}

bool add_to_swap(Kernel& k, PageId id) {
  Page& page = k.host.pages[id];
  if (!swap_chargeable(k.host, page.cgroup())) return false;
  const SlotId slot_id = alloc_swap_slot(k);
  if (slot_id == host::kNoSlot) return false;
  SwapSlot& slot = k.host.slot(slot_id);
  slot.cgroup = page.cgroup();
  charge_swap(k.host, slot);
  slot.cached = true;
  slot.page = id;
  page.slot = slot_id;
  page.set(host::kPageSwapCache);
  page.set(host::kPageDirty);
  return true;
}

void swap_writepage(Kernel& k, PageId id) {
  k.host.count(Vmstat::nr_vmscan_write);
  write_to_device(k, id);
}

void write_to_device(Kernel& k, PageId id) {
  Page& page = k.host.pages[id];
  Node& node = k.host.nodes[page.node()];
  SwapPlug* plug = k.sched.current().plug;
  OOMCAST_CHECK(plug != nullptr && page.has(host::kPageSwapCache));
  page.clear(host::kPageDirty);
  page.set(host::kPageWriteback | host::kPageReclaim);
  ++node.nr_writeback;
  ++node.zones[page.zone].write_pending;
  k.host.count(Vmstat::pswpout);
  k.host.count_swap_out(page.slot);
  k.host.count(Vmstat::pgpgout, kPageBytes / 1024);
  k.listener.on_swap_out(page.node());
  plug->add({id, page.slot});
}

void end_swap_write(Kernel& k, PageId id, host::CpuIndex cpu) {
  Page& page = k.host.pages[id];
  Node& node = k.host.nodes[page.node()];
  page.clear(host::kPageWriteback);
  --node.nr_writeback;
  --node.zones[page.zone].write_pending;
  k.host.count(Vmstat::nr_written);
  if (node.writeback_throttled > 0) {
    k.host.count(Vmstat::nr_throttled_written);
    ++node.throttled_written;
    KswapdState& state = k.kswapd[page.node()];
    if (node.throttled_written - node.reclaim_start > 32 * node.writeback_throttled)
      k.sched.wake_all(state.writeback_wait);
  }
  if (page.has(host::kPageOrphan)) {
    page.clear(host::kPageOrphan);
    if (page.has(host::kPageSwapCache)) remove_from_swap_cache(k, id, false);
    release_page(k, id, cpu);
    return;
  }
  if (page.test_and_clear(host::kPageReclaim)) rotate_reclaimable(k, id, cpu);
}

void remove_from_swap_cache(Kernel& k, PageId id, bool evicted, host::CgroupIndex target_cgroup) {
  Page& page = k.host.pages[id];
  SwapSlot& slot = k.host.slot(page.slot);
  if (evicted) {
    slot.shadow = workingset_eviction(k, page, target_cgroup);
    memsw_swap_out(k.host, slot);
  }
  slot.cached = false;
  slot.page = host::kNoPage;
  page.clear(host::kPageSwapCache);
  const SlotId slot_id = page.slot;
  page.slot = host::kNoSlot;
  if (slot.map_count == 0) release_slot(k, slot_id);
}

bool free_swap(Kernel& k, PageId id) {
  Page& page = k.host.pages[id];
  if (!page.has(host::kPageSwapCache) || page.has(host::kPageWriteback)) return false;
  if (k.host.slot(page.slot).map_count > 0) return false;
  remove_from_swap_cache(k, id, false);
  page.set(host::kPageDirty);
  return true;
}

bool vm_swap_full(const Kernel& k, host::CgroupIndex cgroup) {
  if (k.host.free_swap() * 2 < k.host.total_swap) return true;
  for (host::CgroupIndex g = cgroup; g != host::kRootCgroup; g = k.host.cgroups[g].parent) {
    const host::Cgroup& group = k.host.cgroups[g];
    if (group.swap_usage * 2 >= std::min(group.swap_high, group.swap_max)) return true;
  }
  return false;
}

bool shared_anon(const Kernel& k, const Page& page) {
  return page.mapcount > 1 || (page.has(host::kPageSwapCache) && k.host.slot(page.slot).map_count > 0);
}

void put_swap_entry(Kernel& k, SlotId slot_id) {
  SwapSlot& slot = k.host.slot(slot_id);
  OOMCAST_CHECK(slot.map_count > 0);
  if (--slot.map_count > 0) return;
  const bool mapped = slot.cached && k.host.pages[slot.page].mapcount > 0;
  if (!slot.foreign && !mapped) k.host.count_swapped(slot.service, -1);
  if (!slot.cached) {
    release_slot(k, slot_id);
    return;
  }
  // free_swap_and_cache(): an unmapped clean page of the swap cache is freed with its last swap entry.
  const PageId id = slot.page;
  Page& page = k.host.pages[id];
  if (page.mapcount > 0 || page.has(host::kPageLocked)) return;
  if (page.has(host::kPageWriteback)) {
    page.set(host::kPageOrphan);
    return;
  }
  remove_from_swap_cache(k, id, false);
  release_page(k, id, k.sched.current().cpu);
}

}  // namespace oomcast::mm
