// Rooms: makes one object of each class in capture/ and the state that they share. Each of these objects is a room.
#pragma once

#include <cstdint>
#include <functional>

#include "preload/record/capture/capture_notes.h"
#include "preload/record/capture/deleted_files.h"
#include "preload/record/capture/event_feed.h"
#include "preload/record/capture/fault_server.h"
#include "preload/record/capture/file_uses.h"
#include "preload/record/capture/fork_copies.h"
#include "preload/record/capture/heap_break.h"
#include "preload/record/capture/late_counter.h"
#include "preload/record/capture/mapped_files.h"
#include "preload/record/capture/mappings.h"
#include "preload/record/capture/memory_questions.h"
#include "preload/record/capture/note_reader.h"
#include "preload/record/capture/page_poller.h"
#include "preload/record/capture/phase.h"
#include "preload/record/capture/program_text.h"
#include "preload/record/capture/resident_meter.h"
#include "preload/record/capture/scan_planner.h"
#include "preload/record/capture/scanner.h"
#include "preload/record/capture/settings.h"
#include "preload/record/capture/shared_memory.h"
#include "preload/record/capture/sites.h"
#include "preload/record/capture/stash.h"
#include "preload/record/capture/statistics.h"
#include "preload/record/capture/window_filler.h"
#include "preload/record/capture/windows.h"
#include "preload/record/guest/process_table.h"
#include "preload/record/kernel/clocks.h"
#include "preload/record/recorder.h"
#include "preload/record/stacks/stack_table.h"

namespace oomcast::record {

/// A class may use only the classes declared before it here. A thread must have the lock (QuestionServer::lock()) to
/// use any of them.
struct Rooms {
  /// `tracker`: the best that a process may get. `served`: called with the process and thread whose fault has been
  /// answered.
  Rooms(const RecordOptions& options, TrackerKind tracker, trace::EventSink& sink, const Clocks& clocks,
        std::function<void(uint32_t pid, uint32_t tid)> served);
  Rooms(const Rooms&) = delete;
  Rooms& operator=(const Rooms&) = delete;

  /// Registers all memory of a process that has a userfaultfd, and counts its present pages.
  void hold_touches_of(Process& process);
  /// The exact phase begins: the same for all processes with a userfaultfd.
  void hold_all_touches();
  /// Fills in the counts, caveats and stacks of the run.
  void summarize(trace::CaptureSummary* out);
  void log_counts() const;

  const RecordOptions& options;
  const TrackerKind tracker;
  const Clocks& clocks;
  CaptureNotes notes;
  Statistics count;
  StackTable stacks;
  ProcessTable processes;

  Sites sites;
  Stash stash;
  EventFeed feed;
  ScanPlanner planner;
  ResidentMeter meter;
  SharedMemory shared_memory;
  DeletedFiles deleted;
  ForkCopies copies;
  MappedFiles mapped_files;
  ProgramText text;
  Mappings mappings;
  PagePoller poller;
  Windows windows;
  LateCounter late;
  WindowFiller filler;
  HeapBreak heap;
  Settings settings;
  FileUses files;
  NoteReader reader;
  FaultServer faults;
  Phase phase;
  Scanner scanner;
  MemoryQuestions memory_questions;
};

}  // namespace oomcast::record
