// Follows the heap's break. glibc moves it by itself, past every hook: growth is asked about before it is used, a fall
// is noticed by the library once the call that made it is over, and read here.
//
// The heap has a userfaultfd of its own without UFFD_FEATURE_EVENT_UNMAP: with it each fall holds its caller until we
// have read the event, and a program that frees its objects one by one lets the break fall page by page (Python: 10
// times slower).
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

  void take_growth(Process& process, const ring::Request& request);
  void take_fall(Process& process);

 private:
  void forget_above(Process& process, uint64_t to);
  void scan_again(Process& process, uint64_t start, uint64_t end);

  Mappings& mappings_;
  PagePoller& poller_;
  Windows& windows_;
};

}  // namespace oomcast::record
