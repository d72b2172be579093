// Tells how much a thread has computed, and how long it has waited of its own will, since its last event.
#include "preload/record/task_clock.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "model/base/units.h"
#include "preload/record/doorbell.h"
#include "preload/record/near_cpu.h"
#include "preload/record/userfaultfd.h"

namespace oomcast::record {
namespace {

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

// How long the recorder's main thread has waited for a CPU: a fault that arrives then is held without our seeing it.
uint64_t own_queue_delay_ns() {
  static const UniqueFd schedstat(::open("/proc/self/schedstat", O_RDONLY | O_CLOEXEC));
  uint64_t cpu = 0, delay = 0;
  if (schedstat) read_schedstat(schedstat.get(), &cpu, &delay);
  return delay;
}

// Is the thread in wait4() or waitid()? Its children take their own virtual time; theirs must not be counted twice.
bool waits_for_child(int syscall_fd) {
  char text[32];
  const ssize_t got = syscall_fd < 0 ? -1 : ::pread(syscall_fd, text, sizeof text - 1, 0);
  if (got <= 0) return false;
  text[got] = '\0';
  const long number = std::strtol(text, nullptr, 10);
  return number == SYS_wait4 || number == SYS_waitid;
}

}  // namespace

uint64_t thread_cpu_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(now.tv_nsec);
}

uint64_t monotonic_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(now.tv_nsec);
}

TaskClock::TaskClock(pid_t pid, pid_t tid, uint64_t now_ns) {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/%d/task/%d/schedstat", pid, tid);
  schedstat_ = UniqueFd(::open(path, O_RDONLY | O_CLOEXEC));
  if (schedstat_) read_schedstat(schedstat_.get(), &cpu_ns_, &delay_ns_);
  std::snprintf(path, sizeof path, "/proc/%d/task/%d/syscall", pid, tid);
  syscall_ = UniqueFd(::open(path, O_RDONLY | O_CLOEXEC));
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
  // A total that went backwards is that of another thread or program.
  const auto since = [](uint64_t total, uint64_t taken) { return static_cast<int64_t>(total >= taken ? total - taken : total); };
  const int64_t file_wall = since(file_wall_ns_, file_wall_taken_ns_);
  const int64_t file_cpu = std::min(since(file_cpu_ns_, file_cpu_taken_ns_), file_wall);
  file_wall_taken_ns_ = file_wall_ns_;
  file_cpu_taken_ns_ = file_cpu_ns_;
  int64_t compute = ran - tracking - file_cpu - compute_debt_ns_;
  compute_debt_ns_ = 0;
  if (compute < 0) {
    // Errors of the estimate may go either way: carry a little of it over, or else only one sign would count.
    compute_debt_ns_ = std::min<int64_t>(-compute, 200'000);
    compute = 0;
  }
  const int64_t wait = wall - ran - queued - held - (file_wall - file_cpu);
  out->compute_ns = static_cast<uint64_t>(compute);
  // Small rests are scheduling noise, not sleep; on a busy machine every fault may be held that much longer unseen.
  const auto noise = static_cast<int64_t>(50'000 + served * std::max<uint64_t>(4 * cost.fault_off_cpu_ns, 200'000));
  out->wait_ns = wait > noise && !waits_for_child(syscall_.get()) ? static_cast<uint64_t>(wait) : 0;
  cpu_ns_ = cpu;
  delay_ns_ = delay;
  wall_ns_ = last_seen_ns_ = now_ns;
  faults_ = requests_ = held_ns_ = 0;
  return true;
}

uint64_t measure_native_fault_ns() {
  constexpr uint64_t kTouched = 128;
  const size_t bytes = kTouched * static_cast<size_t>(kPageBytes);
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return 0;
  ::madvise(memory, bytes, MADV_NOHUGEPAGE);
  const uint64_t before = thread_cpu_ns();
  for (uint64_t page = 0; page < kTouched; ++page) static_cast<volatile char*>(memory)[page * static_cast<uint64_t>(kPageBytes)] = 1;
  const uint64_t spent = thread_cpu_ns() - before;
  ::munmap(memory, bytes);
  return spent / kTouched;
}

TrackingCost measure_tracking_cost(int patience_ms) {
  TrackingCost cost;
  constexpr uint64_t kPages = 400;
  int raw = static_cast<int>(::syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK));
  if (raw < 0) {
    UniqueFd device(::open("/dev/userfaultfd", O_RDWR | O_CLOEXEC));
    raw = device ? ::ioctl(device.get(), USERFAULTFD_IOC_NEW, O_CLOEXEC | O_NONBLOCK) : -1;
  }
  Userfaultfd fault_fd{UniqueFd(raw)};
  if (raw < 0 || !fault_fd.negotiate()) return cost;
  const size_t bytes = kPages * static_cast<size_t>(kPageBytes);
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return cost;
  if (!fault_fd.register_range(reinterpret_cast<uint64_t>(memory), reinterpret_cast<uint64_t>(memory) + bytes)) {
    ::munmap(memory, bytes);
    return cost;
  }
  const OneCpu as_we_serve;  // the thread inherits it
  ring::Mailbox box{};
  ring::Doorbell bell{};
  constexpr int kRequests = 60;
  uint64_t cpu_ns = 0, wall_ns = 0, request_cpu_ns = 0;
  std::thread toucher([&] {
    char* at = static_cast<char*>(memory);
    const uint64_t cpu_before = thread_cpu_ns(), wall_before = monotonic_ns();
    for (uint64_t page = 0; page < kPages; ++page) static_cast<volatile char*>(at)[page * static_cast<uint64_t>(kPageBytes)] = 1;
    cpu_ns = thread_cpu_ns() - cpu_before;
    wall_ns = monotonic_ns() - wall_before;
    ring::ReplyStatus status;
    const uint64_t requests_before = thread_cpu_ns();
    for (int i = 0; i < kRequests; ++i) ring::ask(box, bell, {}, &status, shared_futex);
    request_cpu_ns = thread_cpu_ns() - requests_before;
  });
  std::array<uffd_msg, 8> messages;
  uint64_t served = 0;
  for (bool works = true; works && served < kPages;) {
    pollfd wait{fault_fd.fd(), POLLIN, 0};
    if (::poll(&wait, 1, patience_ms) <= 0) break;
    const size_t count = fault_fd.read(messages);
    for (size_t i = 0; i < count && works; ++i) {
      uint64_t filled = 0;
      works = fault_fd.fill(messages[i].arg.pagefault.address & ~uint64_t{4095}, 1, true, false, &filled) == FaultResult::kDone;
      if (works) ++served;
    }
  }
  // The thread may still wait for a page: with the last descriptor the kernel lets the range go, and the thread on.
  if (served < kPages) fault_fd.reset();
  for (int answered = 0; answered < kRequests;) {
    const uint32_t rings = bell.rings.load();
    if (ring::has_question(box)) ring::answer(box, ring::ReplyStatus::kTracked, shared_futex), ++answered;
    else shared_futex(&bell.rings, FUTEX_WAIT, rings, nullptr);
  }
  toucher.join();
  fault_fd.reset();  // before the unmap, which would else wait for its own event to be read
  ::munmap(memory, bytes);
  if (served < kPages) return cost;
  cost.fault_cpu_ns = cpu_ns / kPages;
  cost.fault_off_cpu_ns = wall_ns > cpu_ns ? (wall_ns - cpu_ns) / kPages : 0;
  cost.request_cpu_ns = request_cpu_ns / kRequests;
  return cost;
}

}  // namespace oomcast::record
