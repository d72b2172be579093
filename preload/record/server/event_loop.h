// EventLoop: waits in the recorder's first thread for userfaultfds, notices of mappings (perf events), sockets, pidfds,
// signals, and wake_up() from the second thread.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <span>

#include "preload/record/kernel/unique_fd.h"

namespace oomcast::record {

/// In the order in which ready sources are served: the faults of a process before its end, for example.
enum class SourceKind : uint32_t { kFaults, kMappings, kConnection, kListener, kProcess, kSignals, kWakeUp };

struct Source {
  SourceKind kind;
  uint32_t id;  // pid; kConnection: the descriptor
};

class EventLoop {
 public:
  EventLoop();

  /// Adds a descriptor, to be reported when it is readable.
  void watch(int fd, SourceKind kind, uint32_t id);
  /// Removes a descriptor that stays open. Closing the last copy removes it too.
  void forget(int fd);
  /// Waits until a source is ready, `wait_ns` at most. Returns up to kMost ready sources in the order of SourceKind,
  /// valid until the next call.
  std::span<const Source> wait(uint64_t wait_ns);
  /// Makes wait() return. May be called from another thread.
  void wake_up();

 private:
  static constexpr size_t kMost = 64;  // sources returned by one wait()
  UniqueFd epoll_, wake_up_;
  std::array<epoll_event, kMost> events_{};
  std::array<Source, kMost> ready_{};
};

}  // namespace oomcast::record
