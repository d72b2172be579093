// TaskClock: the time that a thread has computed, and the time that it has waited of its own will, since its last
// event.
#include "preload/record/guest/task_clock.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "preload/record/kernel/proc_file.h"

namespace oomcast::record {
namespace {

UniqueFd open_of_thread(uint32_t pid, uint32_t tid, const char* name) {
  return UniqueFd(::open((proc_of_thread(pid, tid) + name).c_str(), O_RDONLY | O_CLOEXEC));
}

bool read_schedstat(int fd, uint64_t* cpu_ns, uint64_t* delay_ns) {
  char text[96];
  const ssize_t got = ::pread(fd, text, sizeof text - 1, 0);
  if (got <= 0) return false;
  text[got] = '\0';
  char* end = nullptr;
  *cpu_ns = std::strtoull(text, &end, 10);
  *delay_ns = std::strtoull(end, nullptr, 10);
  return true;
}

// Total time that the recorder's main thread has waited for a CPU: faults that arrive meanwhile are held that long.
uint64_t own_queue_delay_ns() {
  static const UniqueFd schedstat(::open("/proc/self/schedstat", O_RDONLY | O_CLOEXEC));
  uint64_t cpu = 0, delay = 0;
  if (schedstat) read_schedstat(schedstat.get(), &cpu, &delay);
  return delay;
}

// True in wait4() or waitid(): the time of the children is counted as theirs and must not be counted twice.
bool waits_for_child(int syscall_fd) {
  char text[32];
  const ssize_t got = syscall_fd < 0 ? -1 : ::pread(syscall_fd, text, sizeof text - 1, 0);
  if (got <= 0) return false;
  text[got] = '\0';
  const long number = std::strtol(text, nullptr, 10);
  return number == SYS_wait4 || number == SYS_waitid;
}

}  // namespace

uint64_t cpu_ns_of(uint32_t pid, uint32_t tid) {
  const UniqueFd schedstat = open_of_thread(pid, tid, "schedstat");
  uint64_t cpu = 0, delay = 0;
  if (schedstat) read_schedstat(schedstat.get(), &cpu, &delay);
  return cpu;
}

TaskClock::TaskClock(pid_t pid, pid_t tid, uint64_t now_ns) {
  const auto process = static_cast<uint32_t>(pid), thread = static_cast<uint32_t>(tid);
  schedstat_ = open_of_thread(process, thread, "schedstat");
  if (schedstat_) read_schedstat(schedstat_.get(), &cpu_ns_, &delay_ns_);
  syscall_ = open_of_thread(process, thread, "syscall");
  own_delay_ns_ = own_queue_delay_ns();
  wall_ns_ = last_seen_ns_ = now_ns;
}

bool TaskClock::read(const TrackingCost& cost, uint64_t now_ns, Span* out) {
  *out = {};
  uint64_t cpu = 0, delay = 0;
  if (!schedstat_ || !read_schedstat(schedstat_.get(), &cpu, &delay)) return false;
  const auto ran = static_cast<int64_t>(cpu - cpu_ns_);
  const auto queued = static_cast<int64_t>(delay - delay_ns_);
  const auto wall = static_cast<int64_t>(now_ns - wall_ns_);
  const auto tracking = static_cast<int64_t>(faults_ * cost.fault_cpu_ns + requests_ * cost.request_cpu_ns);
  const uint64_t own_delay = own_queue_delay_ns();
  const uint64_t served = faults_ + requests_;
  const uint64_t unseen = served > 0 ? own_delay - own_delay_ns_ : 0;
  own_delay_ns_ = own_delay;
  const auto held = static_cast<int64_t>(served * cost.fault_off_cpu_ns + held_ns_ + unseen);
  // A total that has become smaller is that of another thread or program.
  const auto since = [](uint64_t total, uint64_t taken) {
    return static_cast<int64_t>(total >= taken ? total - taken : total);
  };
  const int64_t file_wall = since(file_wall_ns_, file_wall_taken_ns_);
  const int64_t file_cpu = std::min(since(file_cpu_ns_, file_cpu_taken_ns_), file_wall);
  file_wall_taken_ns_ = file_wall_ns_;
  file_cpu_taken_ns_ = file_cpu_ns_;
  int64_t compute = ran - tracking - file_cpu - compute_debt_ns_;
  compute_debt_ns_ = 0;
  if (compute < 0) {
    // The estimate may be too high or too low: at most 0.2 ms of the excess are carried over, so that errors cancel
    // out.
    compute_debt_ns_ = std::min<int64_t>(-compute, 200'000);
    compute = 0;
  }
  const int64_t wait = wall - ran - queued - held - (file_wall - file_cpu);
  out->compute_ns = static_cast<uint64_t>(compute);
  // Small remainders are scheduling noise and no sleep. On a busy machine each fault may be held longer than was
  // measured.
  const auto noise = static_cast<int64_t>(50'000 + served * std::max<uint64_t>(4 * cost.fault_off_cpu_ns, 200'000));
  out->wait_ns = wait > noise && !waits_for_child(syscall_.get()) ? static_cast<uint64_t>(wait) : 0;
  cpu_ns_ = cpu;
  delay_ns_ = delay;
  wall_ns_ = last_seen_ns_ = now_ns;
  faults_ = requests_ = held_ns_ = 0;
  return true;
}

}  // namespace oomcast::record
