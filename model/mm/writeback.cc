// Writeback of dirty pages. See writeback.h; kernel-spec section 7.
#include "model/mm/writeback.h"

#include <algorithm>

#include "model/mm/lru.h"

namespace oomcast::mm {

using host::File;
using host::FileIndex;
using host::Host;
using host::LruKindIndex;
using host::Node;
using host::Page;
using host::PageId;
using host::Vmstat;

namespace {

constexpr int64_t kDirtiedPause = 32;          // nr_dirtied_pause
constexpr Nanoseconds kPauseMax{200'000'000};  // MAX_PAUSE
constexpr Nanoseconds kPauseMin{10'000'000};   // shorter pauses are added up until they reach this
constexpr int64_t kChunkPages = 1024;          // MIN_WRITEBACK_PAGES
constexpr size_t kRequestPages = 256;
constexpr int64_t kInFlightMax = 4096;  // pages under writeback; the flusher waits beyond

int64_t dirtyable(const Node& node) {
  int64_t reserve = 0;
  for (const host::Zone& zone : node.zones) {
    if (zone.managed == 0) continue;
    const int64_t most = *std::max_element(zone.lowmem_reserve.begin(), zone.lowmem_reserve.end());
    reserve += std::min(zone.managed, most + zone.high_mark());
  }
  return std::max<int64_t>(0, node.free() - reserve) + node.size(LruKindIndex::kInactiveFile) +
         node.size(LruKindIndex::kActiveFile);
}

int64_t total_dirty(const Host& host) {
  int64_t sum = 0;
  for (const Node& node : host.nodes) sum += node.nr_dirty;
  return sum;
}

int64_t total_file_writeback(const Host& host) {
  int64_t sum = 0;
  for (const File& file : host.files) sum += file.writeback;
  return sum;
}

// Starts writing up to `most` dirty pages of the file, in order from where the last call ended.
int64_t write_some(Kernel& k, FileIndex index, int64_t most) {
  File& file = k.host.files[index];
  std::vector<PageId> request;
  int64_t written = 0;
  const auto submit = [&] {
    if (!request.empty()) k.block.submit_file(request, true, k.sched.current().cpu);
    request.clear();
  };
  uint64_t next = file.writeback_index, previous = 0;
  file.for_each_page(file.writeback_index, [&](uint64_t at, PageId id) {
    next = at + 1;
    Page& page = k.host.pages[id];
    if (!page.has(host::kPageDirty) || page.has(host::kPageWriteback)) return true;
    if (!request.empty() && (at != previous + 1 || request.size() >= kRequestPages)) submit();
    previous = at;
    clear_page_dirty(k, id);
    page.set(host::kPageWriteback);
    ++file.writeback;
    ++k.host.nodes[page.node()].nr_writeback;
    ++k.host.zone_of(page).write_pending;
    k.host.count(Vmstat::pgpgout, kPageBytes / 1024);
    request.push_back(id);
    return ++written < most;
  });
  submit();
  file.writeback_index = written < most ? 0 : next;
  return written;
}

// The file that has been dirty longest; host::kNoFile if none has been since `before_ns`.
FileIndex oldest_dirty(const Host& host, int64_t before_ns) {
  FileIndex oldest = host::kNoFile;
  for (size_t i = 0; i < host.files.size(); ++i) {
    const File& file = host.files[i];
    if (file.dirty == 0 || file.dirtied_when_ns > before_ns) continue;
    if (oldest == host::kNoFile || file.dirtied_when_ns < host.files[oldest].dirtied_when_ns)
      oldest = static_cast<FileIndex>(i);
  }
  return oldest;
}

// Writes dirty files, the oldest first, while more() is true.
template <class More>
void flush_while(Kernel& k, int64_t before_ns, More more) {
  while (more()) {
    const FileIndex file = oldest_dirty(k.host, before_ns);
    if (file == host::kNoFile) return;
    const int64_t written = write_some(k, file, kChunkPages);
    k.sched.cpu(k.costs.flush_page * std::max<int64_t>(1, written));
    k.sched.point();
    while (total_file_writeback(k.host) > kInFlightMax) k.sched.wait(k.block.writers(), Nanoseconds(100'000'000));
  }
}

void flush_what_is_due(Kernel& k) {
  const int64_t now = k.sched.now().count();
  if (k.flusher.write_everything) {
    k.flusher.write_everything = false;
    int64_t left = total_dirty(k.host);
    flush_while(k, now, [&] { return (left -= kChunkPages) > -kChunkPages; });
  }
  flush_while(k, INT64_MAX, [&] { return total_dirty(k.host) > dirty_limits(k.host).background; });
  const int64_t expired = k.sched.now().count() - int64_t{10'000'000} * k.host.spec.vm.dirty_expire_centisecs;
  flush_while(k, expired, [] { return true; });
}

// The bandwidth of the disk for large writes, in pages per second.
int64_t disk_bandwidth(const Host& host) {
  const int64_t ns = std::max<int64_t>(1, host.spec.disk.write_128k.count());
  return std::max<int64_t>(1, 32 * int64_t{1'000'000'000} / ns);
}

// pos_ratio in 1/1024: 1 + ((setpoint - dirty) / (limit - setpoint))^3, within [0, 2].
int64_t position_ratio(int64_t dirty, int64_t setpoint, int64_t limit) {
  if (dirty >= limit) return 0;
  const int64_t x = (setpoint - dirty) * 1024 / std::max<int64_t>(1, limit - setpoint);
  const int64_t cubed = x * x / 1024 * x / 1024;
  return std::clamp<int64_t>(1024 + cubed, 0, 2048);
}

}  // namespace

DirtyLimits dirty_limits(const Host& host) {
  int64_t available = 1;
  for (const Node& node : host.nodes) available += dirtyable(node);
  const host::VmTunables& vm = host.spec.vm;
  DirtyLimits limits;
  limits.dirty = vm.dirty_bytes > 0 ? (vm.dirty_bytes + kPageBytes - 1) / kPageBytes
                                    : vm.dirty_ratio * kPageBytes / 100 * available / kPageBytes;
  limits.background = vm.dirty_background_bytes > 0
                          ? (vm.dirty_background_bytes + kPageBytes - 1) / kPageBytes
                          : vm.dirty_background_ratio * kPageBytes / 100 * available / kPageBytes;
  if (limits.background >= limits.dirty) limits.background = limits.dirty / 2;
  return limits;
}

bool node_dirty_ok(const Host& host, host::NodeIndex node_index) {
  const Node& node = host.nodes[node_index];
  const host::VmTunables& vm = host.spec.vm;
  const int64_t limit = vm.dirty_bytes > 0 ? vm.dirty_bytes / kPageBytes * dirtyable(node) /
                                                 std::max<int64_t>(1, dirty_limits(host).dirty)
                                           : vm.dirty_ratio * dirtyable(node) / 100;
  return node.nr_dirty + node.nr_writeback <= limit;
}

void set_page_dirty(Kernel& k, PageId id) {
  Page& page = k.host.pages[id];
  if (page.has(host::kPageDirty)) return;
  page.set(host::kPageDirty);
  File& file = k.host.files[page.slot];
  if (file.dirty++ == 0) file.dirtied_when_ns = k.sched.now().count();
  ++k.host.nodes[page.node()].nr_dirty;
  ++k.host.zone_of(page).write_pending;
  k.host.count(Vmstat::nr_dirtied);
  ++k.sched.current().nr_dirtied;
}

void clear_page_dirty(Kernel& k, PageId id) {
  Page& page = k.host.pages[id];
  if (!page.test_and_clear(host::kPageDirty)) return;
  --k.host.files[page.slot].dirty;
  --k.host.nodes[page.node()].nr_dirty;
  --k.host.zone_of(page).write_pending;
}

void end_file_write(Kernel& k, PageId id, host::CpuIndex cpu) {
  Page& page = k.host.pages[id];
  Node& node = k.host.nodes[page.node()];
  page.clear(host::kPageWriteback);
  if (page.slot != host::kNoSlot) --k.host.files[page.slot].writeback;
  --node.nr_writeback;
  --node.zones[page.zone].write_pending;
  k.host.count(Vmstat::nr_written);
  if (page.has(host::kPageOrphan)) {
    page.clear(host::kPageOrphan);
    release_page(k, id, cpu);
    return;
  }
  if (page.test_and_clear(host::kPageReclaim)) rotate_reclaimable(k, id, cpu);
}

void write_page(Kernel& k, PageId id) {
  Page& page = k.host.pages[id];
  clear_page_dirty(k, id);
  page.set(host::kPageWriteback | host::kPageReclaim);
  ++k.host.files[page.slot].writeback;
  ++k.host.nodes[page.node()].nr_writeback;
  ++k.host.zone_of(page).write_pending;
  k.host.count(Vmstat::nr_vmscan_write);
  k.host.count(Vmstat::pgpgout, kPageBytes / 1024);
  k.block.submit_file({id}, true, k.sched.current().cpu);
}

void wakeup_flusher(Kernel& k, bool everything) {
  if (everything) k.flusher.write_everything = true;
  k.sched.wake_all(k.flusher.wait);
}

void balance_dirty_pages_ratelimited(Kernel& k) {
  Actor& actor = k.sched.current();
  if (actor.nr_dirtied < kDirtiedPause) return;
  while (!actor.dying) {
    const int64_t dirty = total_dirty(k.host), pending = dirty + total_file_writeback(k.host);
    const DirtyLimits limits = dirty_limits(k.host);
    if (dirty > limits.background) wakeup_flusher(k, false);
    if (pending <= (limits.dirty + limits.background) / 2) {
      actor.nr_dirtied = 0;
      k.sched.point();
      return;
    }
    const int64_t setpoint = ((limits.dirty + limits.background) / 2 + limits.dirty) / 2;
    const int64_t rate = disk_bandwidth(k.host) * position_ratio(pending, setpoint, limits.dirty) / 1024;
    const Nanoseconds pause =
        rate == 0 ? kPauseMax : std::min(kPauseMax, Nanoseconds(actor.nr_dirtied * 1'000'000'000 / rate));
    if (pause < kPauseMin) return;  // too short: the dirtied pages stay counted for the next call
    const Nanoseconds begin = stall_enter(k);
    k.sched.sleep(pause);
    stall_leave(k, begin, Stalled::kThrottled);
    actor.nr_dirtied = 0;
    if (rate > 0) return;
    actor.nr_dirtied = kDirtiedPause;
  }
}

bool sync_file(Kernel& k, FileIndex index) {
  const auto file = [&]() -> File& { return k.host.files[index]; };
  file().writeback_index = 0;
  while (file().dirty > 0 && !k.sched.current().dying) {
    const int64_t written = write_some(k, index, kChunkPages);
    k.sched.cpu(k.costs.flush_page * std::max<int64_t>(1, written));
    k.sched.point();
    while (file().writeback > kInFlightMax && !k.sched.current().dying) k.sched.wait(k.block.writers(), kForever);
  }
  k.sched.point();
  while (file().writeback > 0 && !k.sched.current().dying) k.sched.wait(k.block.writers(), kForever);
  return !k.sched.current().dying;
}

void flusher_main(Kernel& k) {
  const int centisecs = k.host.spec.vm.dirty_writeback_centisecs;
  const Nanoseconds period = Nanoseconds(int64_t{10'000'000} * std::max(1, centisecs));
  while (true) {
    k.sched.wait(k.flusher.wait, centisecs > 0 ? period : kForever);
    const host::PageArray::InUse in_use(k.host.pages);
    flush_what_is_due(k);
  }
}

}  // namespace oomcast::mm
