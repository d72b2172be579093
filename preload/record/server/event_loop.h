// EventLoop: what the recorder's first thread waits for: userfaultfds, records of mappings, sockets, pidfds, signals,
// and a word from its second thread.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <span>

#include "preload/record/kernel/unique_fd.h"

namespace oomcast::record {

/// In the order in which those that are ready are served: what a process did comes before what became of it.
enum class SourceKind : uint32_t { kFaults, kMappings, kConnection, kListener, kProcess, kSignals, kWakeUp };

struct Source {
  SourceKind kind;
  uint32_t id;  // a pid; of a connection its descriptor
};

class EventLoop {
 public:
  EventLoop();

  void watch(int fd, SourceKind kind, uint32_t id);
  void forget(int fd);
  /// Waits until something is ready, or for `wait_ns`. What is ready, in the order of SourceKind.
  std::span<const Source> wait(uint64_t wait_ns);
  /// From another thread: wait() returns.
  void wake_up();

 private:
  static constexpr size_t kMost = 64;  // sources at once
  UniqueFd epoll_, wake_up_;
  std::array<epoll_event, kMost> events_{};
  std::array<Source, kMost> ready_{};
};

}  // namespace oomcast::record
