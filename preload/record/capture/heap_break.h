// Follows the heap's break. glibc moves the break by itself, past every hook. The library asks before new heap memory
// is used; it notes a fall of the break once the call that caused the fall is over.
//
// The heap has a userfaultfd of its own without UFFD_FEATURE_EVENT_UNMAP. With that event each fall would stop its
// caller until the recorder has read the event. A program that frees its objects one by one lets the break fall page by
// page (Python: 10 times slower).
#pragma once

#include <cstdint>

#include "preload/record/capture/mappings.h"
#include "preload/record/capture/page_poller.h"
#include "preload/record/capture/windows.h"
#include "preload/ring/protocol.h"

namespace oomcast::record {

class HeapBreak {
 public:
  HeapBreak(Mappings& mappings, PagePoller& poller, Windows& windows)
      : mappings_(mappings), poller_(poller), windows_(windows) {}

  /// The library asks: the heap has grown by the range of the request.
  void take_growth(Process& process, const ring::Request& request);
  /// Takes the last fall of the break that the library has noted, if any.
  void take_fall(Process& process);

 private:
  void forget_above(Process& process, uint64_t to);
  void scan_again(Process& process, uint64_t start, uint64_t end);

  Mappings& mappings_;
  PagePoller& poller_;
  Windows& windows_;
};

}  // namespace oomcast::record
