// WindowFiller: tells what a fault means (a first touch, a write behind a window, a use of a watched page) and answers
// it.
#pragma once

#include <cstdint>
#include <string>

#include "preload/record/capture/page_poller.h"
#include "preload/record/capture/program_text.h"
#include "preload/record/capture/windows.h"
#include "preload/record/guest/window_fill.h"

namespace oomcast::record {

class WindowFiller {
 public:
  /// `refuse_enomem`: requests that the target would refuse are refused, so the library asks before each use of memory.
  WindowFiller(EventFeed& feed, Stash& stash, Mappings& mappings, PagePoller& poller, Windows& windows,
               ProgramText& text, ResidentMeter& meter, CaptureNotes& notes, Statistics& count, const Clocks& clocks,
               bool refuse_enomem)
      : feed_(feed),
        stash_(stash),
        mappings_(mappings),
        poller_(poller),
        windows_(windows),
        text_(text),
        meter_(meter),
        notes_(notes),
        count_(count),
        clocks_(clocks),
        refuse_enomem_(refuse_enomem) {}

  /// Answers a fault message of the process's userfaultfd, or of the heap's.
  void take_fault(Process& process, const uffd_msg& message, bool of_heap);

  // Faults that the kernel does not let the recorder answer (unanswered.cc).
  /// Tries those again that are due; all of them if an event was read.
  void try_again(Process& process, bool event_read);
  /// Registers memory again that was let go for an mremap() to [start, end).
  void take_back(Process& process, uint64_t start, uint64_t end);
  /// Holds nothing of the process any more: scans find its touches.
  void poll_from_now_on(Process& process);

  /// The widest window that was filled at once.
  uint64_t resolution_pages() const { return resolution_pages_; }

 private:
  struct Fault {
    Task& task;
    uint64_t page;
    uint64_t arrived_ns;
    bool of_heap;  // the heap's userfaultfd reported it
  };
  void use_stashed(Process& process, const Fault& fault, bool writes);
  void fill_for_write(Process& process, const Fault& fault);
  void answer_first_write(Process& process, const Fault& fault, Fresh fresh);
  void fill_for_read(Process& process, const Fault& fault);
  void answer_protected_write(Process& process, const Fault& fault);
  FaultResult finish_fill(Process& process, WindowFill fill);
  void release(Process& process, const Fault& fault);

  void keep_or_let_go(Process& process, const WindowFill& fill, FaultResult result);
  PageRange let_go(Process& process, const WindowFill& fill, bool at_last);
  void stop_holding(Process& process);

  EventFeed& feed_;
  Stash& stash_;
  Mappings& mappings_;
  PagePoller& poller_;
  Windows& windows_;
  ProgramText& text_;
  ResidentMeter& meter_;
  CaptureNotes& notes_;
  Statistics& count_;
  const Clocks& clocks_;
  bool refuse_enomem_;
  uint64_t resolution_pages_ = 1;
};

}  // namespace oomcast::record
