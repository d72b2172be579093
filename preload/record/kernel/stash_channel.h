// StashChannel: the commands to the helper, the task in the guest that moves pages into the stash and back
// (ring/stash.h). StashHelper sends them over a socket; a test has a stash of its own.
#pragma once

#include <sys/types.h>

#include <bitset>
#include <cstdint>
#include <optional>
#include <span>

#include "preload/record/kernel/pages.h"
#include "preload/record/kernel/unique_fd.h"
#include "preload/ring/stash.h"

namespace oomcast::record {

class StashChannel {
 public:
  /// One bit for each page of the ranges, in order.
  using Pages = std::bitset<ring::kStashPagesAtOnce>;
  /// What becomes of threads that wait for a page when it comes back.
  enum class Waiters { kWoken, kAsleep };
  static constexpr size_t kMostRanges = ring::kStashRangesAtOnce;
  static constexpr uint64_t kMostPages = ring::kStashPagesAtOnce;

  virtual ~StashChannel() = default;

  // REQUIRES of all ranges: at most kMostRanges, with at most kMostPages together. No value: the helper has ended.
  /// Moves pages into the stash. Returns the pages that have left their place.
  virtual std::optional<Pages> out(std::span<const PageRange> ranges) = 0;
  /// Moves pages back to their place, or `distance` bytes from it. Returns the pages that are not in the stash any
  /// more; a page whose place is unmapped is dropped. The other pages stay for now, because of an unread event.
  virtual std::optional<Pages> back(std::span<const PageRange> ranges, uint64_t distance, Waiters waiters) = 0;
  /// Drops pages that the program has freed. False: the helper has ended.
  virtual bool drop(PageRange range) = 0;
  /// Copies all pages in the stash into the memory of a forked child. False: the helper has ended.
  virtual bool give_to_child(int userfaultfd) = 0;
  /// Address in the guest where the page lies while it is out; 0: its region has no stash.
  virtual uint64_t place_of(uint64_t page) const = 0;
  /// Whether the mapping at `start` belongs to the stash.
  virtual bool is_stash(uint64_t start) const = 0;
  virtual uint32_t pid() const = 0;
  /// False once the helper has ended.
  virtual bool alive() const = 0;
};

/// The recorder's end of a helper's socket. When it is closed, the helper moves all pages back and ends.
class StashHelper final : public StashChannel {
 public:
  StashHelper(UniqueFd socket, uint32_t pid, const ring::StashRoom& room);
  /// Returns when the helper has moved all pages back and ended, or after 1 s.
  ~StashHelper() override;

  std::optional<Pages> out(std::span<const PageRange> ranges) override;
  std::optional<Pages> back(std::span<const PageRange> ranges, uint64_t distance, Waiters waiters) override;
  bool drop(PageRange range) override;
  bool give_to_child(int userfaultfd) override;
  uint64_t place_of(uint64_t page) const override;
  bool is_stash(uint64_t start) const override;
  uint32_t pid() const override { return pid_; }
  bool alive() const override;

 private:
  std::optional<Pages> ask(ring::StashOrder order, std::span<const PageRange> ranges, uint64_t distance,
                           int descriptor = -1);
  void kill() const;

  UniqueFd socket_, pidfd_;
  uint32_t pid_;
  const ring::StashRoom& room_;  // lies in the process's shared area
};

}  // namespace oomcast::record
