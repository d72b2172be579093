// Measures what tracking costs a guest on this machine, on threads of the recorder's own that are served like a
// guest's.
#include "preload/record/capture/tracking_cost.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <thread>

#include "preload/record/kernel/clocks.h"
#include "preload/record/kernel/one_cpu.h"
#include "preload/record/kernel/pages.h"
#include "preload/record/kernel/sealed_memory.h"
#include "preload/record/kernel/userfaultfd.h"
#include "preload/ring/mailbox.h"

namespace oomcast::record {

uint64_t measure_native_fault_ns() {
  constexpr uint64_t kTouched = 128;
  const size_t bytes = kTouched * static_cast<size_t>(kPageBytes);
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return 0;
  ::madvise(memory, bytes, MADV_NOHUGEPAGE);
  const uint64_t before = thread_cpu_ns();
  for (uint64_t page = 0; page < kTouched; ++page)
    static_cast<volatile char*>(memory)[page * static_cast<uint64_t>(kPageBytes)] = 1;
  const uint64_t spent = thread_cpu_ns() - before;
  ::munmap(memory, bytes);
  return spent / kTouched;
}

TrackingCost measure_tracking_cost(int patience_ms) {
  TrackingCost cost;
  constexpr uint64_t kPages = 400;
  int raw = static_cast<int>(::syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK));
  if (raw < 0) {
    const UniqueFd device = open_userfaultfd_device();
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
  const OneCpu as_we_serve;  // guests are served on one CPU, too; the thread inherits the affinity
  ring::Mailbox box{};
  ring::Doorbell bell{};
  constexpr int kRequests = 60;
  uint64_t cpu_ns = 0, wall_ns = 0, request_cpu_ns = 0;
  std::thread toucher([&] {
    char* at = static_cast<char*>(memory);
    const uint64_t cpu_before = thread_cpu_ns(), wall_before = monotonic_ns();
    for (uint64_t page = 0; page < kPages; ++page)
      static_cast<volatile char*>(at)[page * static_cast<uint64_t>(kPageBytes)] = 1;
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
      works = fault_fd.fill(messages[i].arg.pagefault.address & ~uint64_t{4095}, 1, true, false, &filled) ==
              FaultResult::kDone;
      if (works) ++served;
    }
  }
  // The thread may still wait for a page: closing the last descriptor unregisters the range and wakes it.
  if (served < kPages) fault_fd.reset();
  for (int answered = 0; answered < kRequests;) {
    const uint32_t rings = bell.rings.load();
    if (ring::has_question(box))
      ring::answer(box, ring::ReplyStatus::kTracked, shared_futex), ++answered;
    else
      shared_futex(&bell.rings, FUTEX_WAIT, rings, nullptr);
  }
  toucher.join();
  fault_fd.reset();  // before munmap(), which would wait until its UNMAP event is read
  ::munmap(memory, bytes);
  if (served < kPages) return cost;
  cost.fault_cpu_ns = cpu_ns / kPages;
  cost.fault_off_cpu_ns = wall_ns > cpu_ns ? (wall_ns - cpu_ns) / kPages : 0;
  cost.request_cpu_ns = request_cpu_ns / kRequests;
  return cost;
}

}  // namespace oomcast::record
