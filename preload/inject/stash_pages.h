// StashPages: moves pages of the program into the stash (ring/stash.h) and back to their place. Part of the helper of
// the stash, whose rules (stash_helper.cc) hold here too.
#pragma once

#include <cstdint>

#include "preload/ring/stash.h"

namespace oomcast::inject {

inline constexpr uint64_t kStashPageBytes = 4096;
/// A call that the kernel refuses for the moment (EAGAIN) is repeated so often.
inline constexpr int kStashTries = 64;

/// The userfaultfds of the program's memory: for all but the heap, and for the heap. -1: there is none.
struct ProgramChannels {
  int fds[2] = {-1, -1};
};

class StashPages {
 public:
  enum class Waiters { kWoken, kAsleep };
  /// What became of the next `pages` pages. `done`: they are where they should be.
  struct Step {
    uint64_t pages;
    bool done;
  };

  StashPages(ring::StashRoom& room, const ProgramChannels& program) : room_(room), program_(program) {}

  /// Opens the stash's own userfaultfd. False: failed.
  bool open();

  /// Moves pages from `home` on into the stash, `pages` at most.
  Step stash_some(uint64_t home, uint64_t pages);
  /// Moves pages that lie at `home` on, if they are not out, to `to` on; `pages` at most.
  Step return_some(uint64_t home, uint64_t to, uint64_t pages, Waiters waiters);
  /// Moves all pages of [start, end) back, `distance` bytes from where they were. False: the kernel refuses some of
  /// them for the moment.
  bool return_range(uint64_t start, uint64_t end, uint64_t distance);
  bool return_all();
  /// Frees the stash's pages of [start, end), which the program has freed.
  void discard(uint64_t start, uint64_t end);
  /// A child that was forked while pages were out misses them. It has no helper that could move pages, so it gets
  /// copies.
  void give_to_child(int child) const;
  /// Address of the page in the stash, whether it is there or not; null: no region.
  char* place_of(uint64_t home) const;
  /// Unmaps the stash. REQUIRES: return_all() was successful.
  void unmap_regions();

 private:
  enum class Outcome { kDone, kAgain };

  ring::StashRegion* region_of(uint64_t home) const;
  ring::StashRegion* make_region(uint64_t home);
  char* make_place(uint64_t home);
  uint64_t stash_run(uint64_t home, uint64_t pages);
  uint64_t return_run(uint64_t home, uint64_t to, uint64_t pages, Waiters waiters) const;
  Outcome return_page(uint64_t home, uint64_t to, Waiters waiters);
  Outcome copy_back(uint64_t home, uint64_t to, Waiters waiters);

  /// Calls f(start) for each 2 MiB of the program's memory that has ever had a page in the stash.
  template <class F>
  void for_each_piece(F f) const {
    for (const ring::StashRegion& region : room_.regions)
      for (uint64_t piece = 0; region.stash != 0 && piece < ring::kStashPieces; ++piece)
        if ((region.pieces[piece / 64] >> piece % 64 & 1) != 0) f(region.start + piece * ring::kStashPieceBytes);
  }

  ring::StashRoom& room_;
  const ProgramChannels& program_;
  int stash_fd_ = -1;
};

}  // namespace oomcast::inject
