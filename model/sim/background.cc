// Readers and writers of the host's other processes. See background.h.
#include "model/sim/background.h"

#include <algorithm>

#include "model/base/fnv1a.h"
#include "model/mm/page_cache.h"

namespace oomcast::sim {

namespace {

constexpr int64_t kSequentialBytes = 128 << 10;  // a call of cp or tar, or the buffer of a log
constexpr int64_t kRandomBytes = kPageBytes;     // a call of a database
constexpr int64_t kCallsPerSecond = 10;          // at least: a slow log is written line by line

// Bytes of one call, in whole pages.
int64_t call_bytes(const host::BackgroundSpec& spec) {
  const int64_t most = spec.sequential ? kSequentialBytes : kRandomBytes;
  const int64_t rate = spec.read_bytes_s + spec.write_bytes_s;
  return std::max<int64_t>(kPageBytes,
                           std::min({most, rate / kCallsPerSecond, spec.file_size.count()}) / kPageBytes * kPageBytes);
}

}  // namespace

uint64_t file_number(const std::string& path, uint64_t recorded_id) {
  if (recorded_id != 0) return recorded_id;
  return (Fnv1a().add_bytes(path).value() >> 2) + 2;
}

void Background::start(size_t index, host::FileIndex file, mm::Actor actor) {
  const host::BackgroundSpec& spec = k_.host.spec.background[index];
  actor.kind = mm::ActorKind::kBackground;
  actor.pid = actor.tid = spec.pid;
  actor.background = static_cast<int>(index);
  host::CgroupIndex cgroup = host::kRootCgroup;
  for (const host::Process& process : k_.host.processes) {
    if (!process.guest && process.pid == spec.pid) cgroup = process.cgroup;
  }
  k_.host.files[file].size_pages = std::max(k_.host.files[file].size_pages, to_pages(spec.file_size).count());
  actor.cgroup = cgroup;
  const FiberId id = scheduler_.spawn(actor, [this, index, file, cgroup] { run(index, file, cgroup); });
  fibers_.push_back(id);
  scheduler_.resume(id);
}

void Background::run(size_t index, host::FileIndex file, host::CgroupIndex cgroup) {
  const host::BackgroundSpec& spec = k_.host.spec.background[index];
  // a generator of its own, so that kswapd's random numbers do not depend on it
  Random random(Seed{seed_.value * 0x9e3779b97f4a7c15u + index});
  const int64_t bytes = call_bytes(spec);
  const uint64_t calls_per_file = static_cast<uint64_t>(std::max<int64_t>(1, spec.file_size.count() / bytes));
  const bool writes = spec.write_bytes_s > 0;
  const Nanoseconds period(
      static_cast<int64_t>(static_cast<__int128>(bytes) * 1'000'000'000 / (spec.read_bytes_s + spec.write_bytes_s)));
  Nanoseconds next = k_.sched.now() + period;
  for (uint64_t call = 0; !stopped_ && !k_.sched.current().dying; ++call) {
    k_.sched.point();
    if (next > k_.sched.now()) k_.sched.sleep(next - k_.sched.now());
    if (stopped_ || k_.sched.current().dying) return;
    const uint64_t offset =
        (spec.sequential ? call % calls_per_file : random.below(calls_per_file)) * static_cast<uint64_t>(bytes);
    const host::PageArray::InUse in_use(k_.host.pages);
    ++in_flight_;
    const bool done = writes ? mm::file_write(k_, file, offset, static_cast<uint64_t>(bytes), cgroup)
                             : mm::file_read(k_, file, offset, static_cast<uint64_t>(bytes), cgroup);
    --in_flight_;
    if (!done) return;
    next = std::max(next + period, k_.sched.now());
  }
}

void Background::kill(int pid) {
  for (const FiberId id : fibers_) {
    if (pid != 0 && scheduler_.actor(id).pid == pid && !scheduler_.done(id)) scheduler_.interrupt(id);
  }
}

}  // namespace oomcast::sim
