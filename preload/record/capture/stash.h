// Stash: takes the pages of which the sink wants to hear the next use out of the program's page table, so that a read
// is a fault as well as a write, and brings them back (ring/stash.h).
//
// A page that is out has PageBit::kStashed. A fault on such a page means that its content is in the stash: nothing may
// be filled there, registered or let go before the page is back. Only the stash sets and clears the bit; the bit stays
// when everything else about the page is forgotten.
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

  /// The process gets a helper, once it asks something.
  static void want_helper(Process& process);
  static void begin(Process& process, std::unique_ptr<StashChannel> helper);
  /// All goes back for good.
  void end(Process& process);

  static std::vector<uint64_t> pages_out(const Process& process, uint64_t start, uint64_t end);
  /// Takes out those of the pages that can be, and leaves the others in `pages`. REQUIRES: in order.
  void take_out(Process& process, std::vector<uint64_t>* pages);
  /// Pages of [start, end) go back to their place; what has no place there any more is gone. False: not all of them
  /// yet, settle() will do it. kAsleep: for a fault, which comes again if the answer is false.
  bool bring_back(Process& process, uint64_t start, uint64_t end,
                  StashChannel::Waiters waiters = StashChannel::Waiters::kWoken);
  /// The program has given [start, end) back.
  void drop(Process& process, uint64_t start, uint64_t end);
  /// Whatever else is to be done before.
  void drop_now(Process& process, uint64_t start, uint64_t end);
  /// The program has moved [from, from + bytes): what was out is at its new place afterwards.
  void move(Process& process, uint64_t from, uint64_t to, uint64_t bytes);
  /// Does what an unread event has kept from being done. True: nothing is left.
  bool settle(Process& process);
  /// Whether the content of any of these pages lies in the stash: nothing may be filled or let go there.
  static bool has_any(const Process& process, uint64_t start, uint64_t end);
  /// A child was forked by a call that no hook sees. Closed afterwards, its userfaultfd leaves it alone.
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
