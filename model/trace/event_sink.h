// EventSink: what the recorder feeds with events, and what the model (or a writer, or a test) implements.
//
// The recorder feeds events in the order of their arrival. After each feed(), and before the thread that caused the
// event goes on, the recorder drains take_watches(): pages whose next use the model has to hear of as kReference,
// because the model has just cleared their accessed bit or evicted them.
#pragma once

#include <cstdint>
#include <vector>

#include "model/trace/event.h"

namespace oomcast::trace {

/// One page (page-aligned address) of one process. Its next use is to be reported once, as kReference.
struct WatchRequest {
  uint32_t pid = 0;
  uint64_t address = 0;
};

/// A process that the modelled host has killed. With `--on-oom kill` the recorder kills the real process.
struct KillRequest {
  uint32_t pid = 0;
};

class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual void feed(const Event& event) = 0;
  /// Appends the watches that the model has asked for since the last call, and forgets them. Often none.
  virtual void take_watches(std::vector<WatchRequest>& out) = 0;
  /// Appends the processes that the modelled host has killed since the last call, and forgets them.
  virtual void take_kills(std::vector<KillRequest>& out) = 0;
  /// Whether overcommit has refused memory (ENOMEM) since the last call. With `--on-refuse enomem` the real call fails.
  virtual bool take_refusal() { return false; }
  /// Pages that may still be touched before the modelled host reaches its next watermark; 0 once the host is in the
  /// slow path. The recorder fills windows of at most an eighth of it, and of one page when it is 0.
  virtual uint64_t headroom_pages() const = 0;
  /// Whether it matters which thread touches a page: with several nodes, the page comes from the toucher's node.
  virtual bool placed_by_thread() const { return false; }
};

}  // namespace oomcast::trace
