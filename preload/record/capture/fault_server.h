// FaultServer: reads the userfaultfds of a process, and handles the events of freed memory before the faults.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "preload/record/capture/note_reader.h"
#include "preload/record/capture/window_filler.h"

namespace oomcast::record {

class FaultServer {
 public:
  /// `served`: called with the process and thread whose fault has been answered.
  FaultServer(EventFeed& feed, Stash& stash, NoteReader& reader, Mappings& mappings, WindowFiller& filler,
              ResidentMeter& meter, Statistics& count, std::function<void(uint32_t pid, uint32_t tid)> served)
      : feed_(feed),
        stash_(stash),
        reader_(reader),
        mappings_(mappings),
        filler_(filler),
        meter_(meter),
        count_(count),
        served_(std::move(served)) {}

  void serve(Process& process);

 private:
  static size_t read(Process& process, std::span<uffd_msg> messages, size_t* of_all);
  bool take_event(Process& process, const uffd_msg& message);

  EventFeed& feed_;
  Stash& stash_;
  NoteReader& reader_;
  Mappings& mappings_;
  WindowFiller& filler_;
  ResidentMeter& meter_;
  Statistics& count_;
  std::function<void(uint32_t, uint32_t)> served_;
};

}  // namespace oomcast::record
