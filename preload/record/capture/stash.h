// Stash: takes watched pages out of the program's page table, so that their next read is a fault as well as their next
// write, and brings them back (ring/stash.h).
//
// A page that is out has PageBit::kStashed: its content is in the stash. Until the page is back, nothing may be filled,
// registered or let go there. Only the stash sets and clears the bit; the bit stays when all other state of the page is
// forgotten.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "preload/record/capture/capture_notes.h"
#include "preload/record/capture/statistics.h"
#include "preload/record/guest/guest_process.h"
#include "preload/record/kernel/stash_channel.h"

namespace oomcast::record {

class Stash {
 public:
  Stash(CaptureNotes& notes, Statistics& count) : notes_(notes), count_(count) {}

  /// Has the library make a helper when it asks its next question.
  static void want_helper(Process& process);
  static void begin(Process& process, std::unique_ptr<StashChannel> helper);
  /// Brings back all pages and lets the helper go.
  void end(Process& process);

  /// The pages of [start, end) that are out, by address.
  static std::vector<uint64_t> pages_out(const Process& process, uint64_t start, uint64_t end);
  /// Takes out the pages that can be taken out, and leaves the others in `pages`. REQUIRES: in order.
  void take_out(Process& process, std::vector<uint64_t>* pages);
  /// Brings back the pages of [start, end). Pages whose place was unmapped are dropped. False: some are still out, and
  /// settle() brings them back later. kAsleep is for a fault: nothing is kept for settle(), since the fault comes
  /// again.
  bool bring_back(Process& process, uint64_t start, uint64_t end,
                  StashChannel::Waiters waiters = StashChannel::Waiters::kWoken);
  /// The program has freed [start, end): drops the pages, after the tasks that are still undone.
  void drop(Process& process, uint64_t start, uint64_t end);
  /// The same, before the tasks that are undone.
  void drop_now(Process& process, uint64_t start, uint64_t end);
  /// The program has moved [from, from + bytes) to `to`: brings the pages back to their new place.
  void move(Process& process, uint64_t from, uint64_t to, uint64_t bytes);
  /// Carries out, in order, the tasks that an unread event has delayed. True: none is left.
  bool settle(Process& process);
  /// Whether the stash has the content of a page of [start, end), or will bring one there: then nothing may be filled
  /// or let go.
  static bool has_any(const Process& process, uint64_t start, uint64_t end);
  /// A child was forked by a call that no hook sees: it gets copies of the pages that are out, through its
  /// `userfaultfd`.
  void give_to_child(Process& parent, int userfaultfd);

 private:
  static std::vector<PageRange> movable(Process& process, const std::vector<uint64_t>& pages);
  void check_place(Process& process, const PageRange& run);
  bool carry_out(Process& process, const StashTask& task);
  bool do_or_keep(Process& process, const StashTask& task);
  bool back(Process& process, const StashTask& task);
  void outlive_helper(Process& process);

  CaptureNotes& notes_;
  Statistics& count_;
};

}  // namespace oomcast::record
