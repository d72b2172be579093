// The stash of one process: where its pages lie that the target has swapped out, so that their next use is a fault.
// What the recorder and the helper that holds the stash say to each other.
//
// A page of the program is in its place or in the stash, at the same distance from the start of a region of 1 GiB.
// The kernel moves it (UFFDIO_MOVE), so it stays the same page: nothing that is written to it can be lost on the way.
#pragma once

#include <linux/userfaultfd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace oomcast::ring {

inline constexpr uint64_t kStashRegionBytes = uint64_t{1} << 30, kStashPieceBytes = uint64_t{2} << 20;
inline constexpr size_t kStashRegions = 64, kStashPieces = kStashRegionBytes / kStashPieceBytes;
/// The helper's name in /proc. Not ours: whoever kills us by name must not kill it with us.
inline constexpr char kStashHelperName[] = "page-stash";
inline constexpr uint64_t kStashPagesAtOnce = 512;
inline constexpr size_t kStashRangesAtOnce = 64;
inline constexpr size_t kStashEvents = 128;

/// Where the pages of [start, start + 1 GiB) lie while they are out of their place.
struct StashRegion {
  uint64_t start, stash;               // `stash` 0: this place in the table is free
  uint64_t pieces[kStashPieces / 64];  // 2 MiB each: bits of those that have ever held a page
};

/// The part of the shared area that belongs to the helper. None of it can be moved or held, as the program's own memory
/// can: the helper would wait for the recorder, and the recorder for the helper.
struct StashRoom {
  std::atomic<uint32_t> wanted;   // not 0: the recorder asks for a helper; the library makes one
  std::atomic<uint32_t> holds;    // not 0: there may be pages in the stash
  char address[128];              // of the recorder's socket
  uint32_t address_bytes, guest;  // the process that the helper works for
  StashRegion regions[kStashRegions];
  /// What the recorder reads from the userfaultfds. An event that it has dealt with is struck out (0): if the recorder
  /// dies, the helper deals with the others before it moves anything back.
  uffd_msg events[kStashEvents];
  alignas(16) char stack[64 << 10];
};

struct StashRange {
  uint64_t start, pages;
};

enum class StashOrder : uint32_t {
  kOut = 1,      // into the stash
  kBack,         // to their place, or `distance` bytes from it; what has no place there any more is dropped
  kBackAsleep,   // the same, and who waits there goes on waiting
  kDrop,         // the program has given them back
  kGiveToChild,  // a copy of all that is out goes to a forked child, whose userfaultfd comes along
};

struct StashCommand {
  StashOrder order;
  uint32_t ranges;
  uint64_t distance;
  StashRange range[kStashRangesAtOnce];  // no more than kStashPagesAtOnce in all
};

struct StashAnswer {
  uint64_t done[kStashPagesAtOnce / 64];  // bits of the pages, in order, that are where the command wants them
};

}  // namespace oomcast::ring
