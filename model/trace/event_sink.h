// Connects who sees what the program does with who wants to know. The seam between the recorder and the model.
//
// The recorder feeds events in the order in which they arrived. After each feed() and before it lets the thread that
// caused the event go on, it drains take_watches(): pages whose next use the model has to hear about as kReference
// (it has just cleared their referenced bit, or evicted them).
#pragma once

#include <cstdint>
#include <vector>

#include "model/trace/event.h"

namespace oomcast::trace {

/// One page (page-aligned address) of one process whose next use is to be reported once, as kReference.
struct WatchRequest {
  uint32_t pid = 0;
  uint64_t address = 0;
};

/// A process that the modelled host has killed. `--on-oom kill` makes the recorder do it for real.
struct KillRequest {
  uint32_t pid = 0;
};

class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual void feed(const Event& event) = 0;
  /// Appends the watches asked for since the last call and forgets them. May be empty most of the time.
  virtual void take_watches(std::vector<WatchRequest>& out) = 0;
  virtual void take_kills(std::vector<KillRequest>& out) = 0;
  /// Whether memory was refused (ENOMEM by overcommit) since the last call. `--on-refuse enomem` makes the call fail.
  virtual bool take_refusal() { return false; }
  /// Pages that may still be touched before the modelled host reaches its next watermark; 0 once it is in its slow
  /// path. The recorder's windows are at most an eighth of it, and one page when it is 0.
  virtual uint64_t headroom_pages() const = 0;
  /// Whether it matters which thread touches a page: on several nodes, the one that the thread runs on gives it.
  virtual bool placed_by_thread() const { return false; }
};

}  // namespace oomcast::trace
