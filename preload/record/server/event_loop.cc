// EventLoop: an epoll instance, with an eventfd for wake_up().
#include "preload/record/server/event_loop.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

namespace oomcast::record {
namespace {

constexpr uint64_t kSecondNs = 1'000'000'000, kMillisecondNs = 1'000'000;

/// Fallback: epoll_wait() takes whole milliseconds, and a fault that must be tried again waits for microseconds only.
/// ppoll() waits for the rest, but takes the readiness of perf events, so that epoll_wait() does not return them. Scans
/// find those mappings.
int wait_in_milliseconds(int epoll, std::span<epoll_event> events, uint64_t wait_ns) {
  if (wait_ns > 0 && wait_ns < kMillisecondNs) {
    pollfd ready{epoll, POLLIN, 0};
    const timespec rest{0, static_cast<long>(wait_ns)};
    ::ppoll(&ready, 1, &rest, nullptr);
  }
  const int timeout_ms = wait_ns < kMillisecondNs ? 0 : static_cast<int>(wait_ns / kMillisecondNs) + 1;
  return ::epoll_wait(epoll, events.data(), static_cast<int>(events.size()), timeout_ms);
}

/// One call on purpose: polling a perf event clears its readiness, so a second call would miss it.
int wait_for_events(int epoll, std::span<epoll_event> events, uint64_t wait_ns) {
  const timespec rest{static_cast<time_t>(wait_ns / kSecondNs), static_cast<long>(wait_ns % kSecondNs)};
  const int count = ::epoll_pwait2(epoll, events.data(), static_cast<int>(events.size()), &rest, nullptr);
  // Linux before 5.11 gives ENOSYS; a container's seccomp filter may give EPERM.
  if (count < 0 && (errno == ENOSYS || errno == EPERM)) return wait_in_milliseconds(epoll, events, wait_ns);
  return count;
}

}  // namespace

EventLoop::EventLoop() : epoll_(::epoll_create1(EPOLL_CLOEXEC)), wake_up_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  watch(wake_up_.get(), SourceKind::kWakeUp, 0);
}

void EventLoop::watch(int fd, SourceKind kind, uint32_t id) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = uint64_t{static_cast<uint32_t>(kind)} << 32 | id;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
}

void EventLoop::forget(int fd) { ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

std::span<const Source> EventLoop::wait(uint64_t wait_ns) {
  const int count = wait_for_events(epoll_.get(), events_, wait_ns);
  size_t ready = 0;
  for (int i = 0; i < count; ++i) {
    const uint64_t word = events_[static_cast<size_t>(i)].data.u64;
    ready_[ready++] = {static_cast<SourceKind>(word >> 32), static_cast<uint32_t>(word)};
  }
  const std::span<Source> found(ready_.data(), ready);
  std::stable_sort(found.begin(), found.end(), [](const Source& a, const Source& b) { return a.kind < b.kind; });
  for (const Source& source : found)
    if (uint64_t times; source.kind == SourceKind::kWakeUp)
      static_cast<void>(!::read(wake_up_.get(), &times, sizeof times));
  return found;
}

void EventLoop::wake_up() {
  const uint64_t one = 1;
  static_cast<void>(!::write(wake_up_.get(), &one, sizeof one));
}

}  // namespace oomcast::record
