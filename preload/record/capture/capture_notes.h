// CaptureNotes: collects what the recorder could not see of the program, and words it as the report's caveats.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "preload/record/guest/tracker_kind.h"
#include "preload/ring/protocol.h"

namespace oomcast::record {

/// Notes go in while the program runs, caveats come out at its end. Pure: no clock, no /proc, no sink.
class CaptureNotes {
 public:
  /// `best`: the most exact tracker that a process may get. `user`: the user id that the advice about userfaultfd
  /// names.
  CaptureNotes(TrackerKind best, uint32_t user) : best_(best), user_(user) {}

  /// At least one process is seen by this tracker.
  void use_tracker(TrackerKind kind) { used_[static_cast<size_t>(kind)] = true; }
  void add_seen_pages(TrackerKind kind, uint64_t pages) { seen_pages_[static_cast<size_t>(kind)] += pages; }
  /// The kernel refused a userfaultfd to the process.
  void note_refused_userfaultfd(const std::string& comm, int error);
  /// The process ended without having loaded the capture library.
  void note_unhooked_process(const std::string& comm);
  /// Whether the recorder has words for the reason: the number comes from the guest.
  static bool knows(ring::GiveWay why);
  /// The process is polled from now on, because held faults would break what it does. REQUIRES: knows(why).
  void note_gave_way(const std::string& comm, ring::GiveWay why);
  /// The kernel kept refusing answers to the faults of the process.
  void note_held_no_more(const std::string& comm);
  /// A userfaultfd was opened inside a process without the library.
  void note_held_from_outside(const std::string& comm);
  /// No userfaultfd could be opened inside a process without the library. `error`: an errno.
  void note_not_held(const std::string& comm, int error);
  /// The program ran before it was watched. `resident_bytes`: its private memory then, pages shared since a fork
  /// counted once.
  void note_attached(uint64_t resident_bytes, uint64_t processes);
  uint64_t attached_bytes() const { return attached_bytes_; }
  uint64_t attached_processes() const { return attached_processes_; }
  /// The run begins in the polling phase.
  void begin_polling_phase() { polled_ = true; }
  /// The exact phase begins `after_ns` after the start of the run.
  void end_polling_phase(uint64_t after_ns) { exact_after_ns_ = after_ns; }

  /// The tracker that saw most pages. It may be another than `best`: a program may give way after its start, or start
  /// processes that are refused a userfaultfd.
  const char* best_tracker() const;
  /// One sentence for each thing that the forecast cannot know, in the order in which the report lists them.
  std::vector<std::string> caveats() const;
  /// What the program asked about its machine.
  std::vector<std::string> host_questions() const;

  uint64_t hellos_without_descriptor = 0;    // refused: the recorder had no free descriptor
  uint64_t children_without_descriptor = 0;  // without a hello: the child had no free descriptor
  uint64_t copied_pages = 0;                 // by a write after a fork
  uint64_t grown_bytes = 0;                  // found by a scan in a mapping that had grown since the last
  uint64_t unhooked_file_bytes = 0;          // read or written by calls that no hook sees
  uint64_t lost_notes = 0;                   // because the ring was full
  uint64_t sites = 0, samples_left_out = 0;  // stacks that are told apart; samples of all other stacks
  uint64_t let_go_moves = 0;                 // mappings let go inside mremap()
  uint64_t let_go_faults = 0;                // mappings let go because a fault could not be answered
  uint64_t host_questions_mask = 0;          // by ring::Sensitive
  // watched pages whose reads are seen; watched pages of which only writes are
  uint64_t pages_stashed = 0, pages_not_stashed = 0;
  bool robust_mutexes = false;  // a process has robust mutexes, so none of its pages is watched
  bool wanted_stash = false;    // --see-reads
  bool had_stash = false;       // some process had a stash
  bool stash_lost = false;      // a stash's helper was killed
  bool armed_watches = false;   // pages were write-protected to see their next use
  bool mapped_data_file = false, mapped_program_file = false, mapped_huge_pages = false;
  bool refused_memory = false;  // --on-refuse enomem refused a request
  bool used_io_uring = false;   // a process has mapped the queues of an io_uring

 private:
  bool used(TrackerKind kind) const { return used_[static_cast<size_t>(kind)]; }
  bool seen_from_outside_only() const;
  void say_how_touches_were_seen(std::vector<std::string>* out) const;
  void say_who_was_missed(std::vector<std::string>* out) const;
  void say_what_was_missed(std::vector<std::string>* out) const;
  void say_what_was_let_go(std::vector<std::string>* out) const;
  std::string polling_phase() const;
  std::string later_uses() const;

  TrackerKind best_;
  uint32_t user_;
  std::array<bool, 3> used_{};            // by TrackerKind
  std::array<uint64_t, 3> seen_pages_{};  // by TrackerKind
  int first_refusal_errno_ = 0;
  std::vector<std::string> refused_, unhooked_, gave_way_, held_no_more_, held_from_outside_,
      not_held_;  // names of processes, each once
  bool polled_ = false;
  uint64_t attached_bytes_ = 0, attached_processes_ = 0;  // 0 processes: the program was started by the recorder
  uint64_t exact_after_ns_ = 0;                           // 0: never
};

}  // namespace oomcast::record
