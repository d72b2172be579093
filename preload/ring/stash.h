// The stash of one process: where its pages lie while they are out, so that their next use is a fault. Also the
// commands of the recorder to the helper that moves the pages.
//
// A page is in its place or in the stash, at the same offset in a region of 1 GiB. The kernel moves the page itself
// (UFFDIO_MOVE), so nothing that is written to it meanwhile can be lost.
#pragma once

#include <linux/userfaultfd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace oomcast::ring {

inline constexpr uint64_t kStashRegionBytes = uint64_t{1} << 30, kStashPieceBytes = uint64_t{2} << 20;
inline constexpr size_t kStashRegions = 64, kStashPieces = kStashRegionBytes / kStashPieceBytes;
/// The helper's name in /proc. Without "oomcast": who kills the recorder by name must not kill the helper too.
inline constexpr char kStashHelperName[] = "page-stash";
inline constexpr uint64_t kStashPagesAtOnce = 512;
inline constexpr size_t kStashRangesAtOnce = 64;
inline constexpr size_t kStashEvents = 128;

/// Where the pages of [start, start + 1 GiB) lie while they are out.
struct StashRegion {
  uint64_t start, stash;               // `stash` 0: this entry is free
  uint64_t pieces[kStashPieces / 64];  // one bit for each 2 MiB that has ever held a page
};

/// How far the making of the helper is. The recorder stores kWanted, the library kBeingMade, the helper kNotWanted when
/// it serves or has failed.
enum class HelperState : uint32_t { kNotWanted, kWanted, kBeingMade };

/// The helper's part of the shared area. Unlike the program's own memory it is never moved or held: otherwise the
/// helper would wait for the recorder, and the recorder for the helper.
struct StashRoom {
  std::atomic<HelperState> helper;
  std::atomic<uint32_t> holds;    // not 0: there may be pages in the stash
  char address[128];              // sockaddr_un of the recorder's socket
  uint32_t address_bytes, guest;  // pid of the process that the helper works for
  StashRegion regions[kStashRegions];
  /// Events that the recorder has read from the userfaultfds. The recorder zeroes an event that it has handled. If the
  /// recorder dies, the helper handles the others before it moves pages back.
  uffd_msg events[kStashEvents];
  alignas(16) char stack[64 << 10];
};

struct StashRange {
  uint64_t start, pages;
};

enum class StashOrder : uint32_t {
  kOut = 1,      // into the stash
  kBack,         // to their place, or `distance` bytes from it; a page whose place is gone is dropped
  kBackAsleep,   // the same, but threads that wait for the pages are not woken
  kDrop,         // the program has freed the pages
  kGiveToChild,  // copy all pages that are out into a forked child, whose userfaultfd comes with the command
};

struct StashCommand {
  StashOrder order;
  uint32_t ranges;
  uint64_t distance;
  StashRange range[kStashRangesAtOnce];  // at most kStashPagesAtOnce pages in all
};

struct StashAnswer {
  uint64_t done[kStashPagesAtOnce / 64];  // one bit for each page, in order: it is where the command wants it
};

}  // namespace oomcast::ring
