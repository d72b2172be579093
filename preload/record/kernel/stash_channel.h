// StashChannel: what the recorder asks of the task in the guest that moves pages out of sight and back (ring/stash.h).
// StashHelper asks over a socket; a test brings a stash of its own.
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
  /// Bits of the pages of the ranges, in order.
  using Pages = std::bitset<ring::kStashPagesAtOnce>;
  /// Threads that wait for a page that comes back.
  enum class Waiters { kWoken, kAsleep };
  static constexpr size_t kMostRanges = ring::kStashRangesAtOnce;
  static constexpr uint64_t kMostPages = ring::kStashPagesAtOnce;

  virtual ~StashChannel() = default;

  // REQUIRES of all ranges: no more of them, and no more pages in them, than go at once. Nothing: the helper has ended.
  /// Those that have left their place.
  virtual std::optional<Pages> out(std::span<const PageRange> ranges) = 0;
  /// Those that are not in the stash any more; they are in their place, or `distance` bytes from it, unless there is
  /// none. The others an unread event keeps there for now.
  virtual std::optional<Pages> back(std::span<const PageRange> ranges, uint64_t distance, Waiters waiters) = 0;
  /// False: the helper has ended.
  virtual bool drop(PageRange range) = 0;
  /// Copies of all that is out go into the memory of a forked child.
  virtual bool give_to_child(int userfaultfd) = 0;
  /// Where in the guest the page lies while it is out; 0: nowhere.
  virtual uint64_t place_of(uint64_t page) const = 0;
  /// Whether the mapping that begins there is the stash's.
  virtual bool is_stash(uint64_t start) const = 0;
  virtual uint32_t pid() const = 0;
  /// False once the helper has ended.
  virtual bool alive() const = 0;
};

/// The end of a helper that does as it is told. Closing it makes the helper move all back and end.
class StashHelper final : public StashChannel {
 public:
  StashHelper(UniqueFd socket, uint32_t pid, const ring::StashRoom& room);
  /// Returns when the helper has moved all back and ended, or after a second.
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
  const ring::StashRoom& room_;  // in the shared area of the process
};

}  // namespace oomcast::record
