// StashPages: moves pages of the program into the stash and back to their place, by UFFDIO_MOVE. Where a page cannot be
// moved back it is copied.
#include "preload/inject/stash_pages.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "preload/inject/raw_syscall.h"
#include "preload/ring/userfaultfd_names.h"

namespace oomcast::inject {
namespace {

constexpr uint64_t kDontWake = 1, kAllowHoles = 2;

uint64_t mode_of(StashPages::Waiters waiters) { return waiters == StashPages::Waiters::kAsleep ? kDontWake : 0; }
uint64_t region_start(uint64_t home) { return home & ~(ring::kStashRegionBytes - 1); }

/// Within the 2 MiB of `home`: one call moves no more.
uint64_t within_piece(uint64_t home, uint64_t pages) {
  const uint64_t to_end = (ring::kStashPieceBytes - home % ring::kStashPieceBytes) / kStashPageBytes;
  return pages < to_end ? pages : to_end;
}

/// Returns the bytes moved, or a negative errno.
long move(int fd, uint64_t to, uint64_t from, uint64_t bytes, uint64_t mode) {
  ring::UffdioMove request{to, from, bytes, mode, 0};
  const long result = raw_syscall(SYS_ioctl, fd, ring::kUffdioMove, arg(&request));
  if (result == 0) return static_cast<long>(bytes);
  return request.moved > 0 ? static_cast<long>(request.moved) : result;
}

/// Copies one page.
long copy(int fd, uint64_t to, uint64_t from, uint64_t mode) {
  uffdio_copy request{};
  request.dst = to;
  request.src = from;
  request.len = kStashPageBytes;
  request.mode = mode;
  return raw_syscall(SYS_ioctl, fd, static_cast<long>(UFFDIO_COPY), arg(&request));
}

}  // namespace

bool StashPages::open() {
  stash_fd_ = static_cast<int>(raw_syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY));
  if (stash_fd_ < 0) return false;
  uffdio_api api{};
  api.api = UFFD_API;
  api.features = ring::kUffdFeatureMove;
  return raw_syscall(SYS_ioctl, stash_fd_, static_cast<long>(UFFDIO_API), arg(&api)) == 0;
}

/// Null: no page of this 1 GiB has ever been out.
ring::StashRegion* StashPages::region_of(uint64_t home) const {
  for (ring::StashRegion& region : room_.regions)
    if (region.stash != 0 && region.start == region_start(home)) return &region;
  return nullptr;
}

/// Maps a region. It stays mapped, as address space costs nothing. Null: none is free, or the kernel refuses.
ring::StashRegion* StashPages::make_region(uint64_t home) {
  ring::StashRegion* free_one = nullptr;
  for (ring::StashRegion& region : room_.regions)
    if (region.stash == 0 && free_one == nullptr) free_one = &region;
  if (free_one == nullptr) return nullptr;
  constexpr auto kBytes = static_cast<long>(ring::kStashRegionBytes);
  const long memory =
      raw_syscall(SYS_mmap, 0, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (failed(memory)) return nullptr;
  uffdio_register request{};
  request.range = {static_cast<uint64_t>(memory), ring::kStashRegionBytes};
  request.mode = UFFDIO_REGISTER_MODE_MISSING;
  // A forked child must not share stashed pages: the kernel moves no shared page.
  if (raw_syscall(SYS_madvise, memory, kBytes, MADV_DONTFORK) != 0 ||
      raw_syscall(SYS_ioctl, stash_fd_, static_cast<long>(UFFDIO_REGISTER), arg(&request)) != 0) {
    raw_syscall(SYS_munmap, memory, kBytes);
    return nullptr;
  }
  free_one->start = region_start(home);
  free_one->stash = static_cast<uint64_t>(memory);
  return free_one;
}

char* StashPages::place_of(uint64_t home) const {
  const ring::StashRegion* const region = region_of(home);
  return region == nullptr ? nullptr : reinterpret_cast<char*>(region->stash + (home - region->start));
}

/// A place for a page that goes out; null: there is none.
char* StashPages::make_place(uint64_t home) {
  ring::StashRegion* region = region_of(home);
  if (region == nullptr) region = make_region(home);
  if (region == nullptr) return nullptr;
  const uint64_t piece = (home - region->start) / ring::kStashPieceBytes;
  region->pieces[piece / 64] |= uint64_t{1} << piece % 64;
  return place_of(home);
}

/// Moves as many pages as one call can. Returns their number; 0: the first one stays.
uint64_t StashPages::stash_run(uint64_t home, uint64_t pages) {
  char* const stash = make_place(home);
  if (stash == nullptr) return 0;
  const uint64_t bytes = within_piece(home, pages) * kStashPageBytes;
  for (int i = 0; i < kStashTries; ++i) {
    const long moved = move(stash_fd_, arg(stash), home, bytes, kDontWake);
    if (moved > 0) return static_cast<uint64_t>(moved) / kStashPageBytes;
    if (moved != -EAGAIN) break;  // no page, pinned, shared since a fork, locked, another kind of mapping
  }
  return 0;
}

StashPages::Step StashPages::stash_some(uint64_t home, uint64_t pages) {
  const uint64_t run = stash_run(home, pages);
  return run > 0 ? Step{run, true} : Step{1, false};
}

/// As stash_run(), on the way back. Pages that are not in the stash count as moved. 0: the first one must be tried
/// alone.
uint64_t StashPages::return_run(uint64_t home, uint64_t to, uint64_t pages, Waiters waiters) const {
  const uint64_t most = within_piece(home, pages);
  char* const stash = place_of(home);
  if (stash == nullptr) return most;
  for (const int fd : program_.fds) {
    if (fd < 0) continue;
    const long moved = move(fd, to, arg(stash), most * kStashPageBytes, kAllowHoles | mode_of(waiters));
    if (moved > 0) return static_cast<uint64_t>(moved) / kStashPageBytes;
  }
  return 0;
}

/// Moves one page back. It is discarded only if the kernel says that its place is gone: nothing is registered there, so
/// the program has unmapped it, or there is another page by now.
StashPages::Outcome StashPages::return_page(uint64_t home, uint64_t to, Waiters waiters) {
  char* const stash = place_of(home);
  if (stash == nullptr) return Outcome::kDone;
  bool again = true;
  for (int i = 0; i < kStashTries && again; ++i) {
    again = false;
    for (const int fd : program_.fds) {
      if (fd < 0) continue;
      const long moved = move(fd, to, arg(stash), kStashPageBytes, mode_of(waiters));
      if (moved > 0 || moved == -ESRCH) return Outcome::kDone;  // ESRCH: the program has ended
      if (moved == -EEXIST) return discard(home, home + kStashPageBytes), Outcome::kDone;
      again |= moved == -EAGAIN;
    }
  }
  return again ? Outcome::kAgain : copy_back(home, to, waiters);
}

/// The page cannot be moved: its place has another protection or is locked, or the page is shared or pinned. Copy it.
StashPages::Outcome StashPages::copy_back(uint64_t home, uint64_t to, Waiters waiters) {
  bool placeless = true;
  for (const int fd : program_.fds) {
    if (fd < 0) continue;
    const long copied = copy(fd, to, arg(place_of(home)), mode_of(waiters));
    if (copied == -EFAULT) return Outcome::kDone;  // the stash has no such page
    if (copied == 0 || copied == -EEXIST) return discard(home, home + kStashPageBytes), Outcome::kDone;
    placeless &= copied == -ENOENT;
  }
  if (!placeless) return Outcome::kAgain;
  discard(home, home + kStashPageBytes);
  return Outcome::kDone;
}

StashPages::Step StashPages::return_some(uint64_t home, uint64_t to, uint64_t pages, Waiters waiters) {
  const uint64_t run = return_run(home, to, pages, waiters);
  return run > 0 ? Step{run, true} : Step{1, return_page(home, to, waiters) == Outcome::kDone};
}

bool StashPages::return_range(uint64_t start, uint64_t end, uint64_t distance) {
  bool all = true;
  for (uint64_t home = start; home < end;) {
    if (region_of(home) == nullptr) {
      home = region_start(home) + ring::kStashRegionBytes;
      continue;
    }
    const Step step = return_some(home, home + distance, (end - home) / kStashPageBytes, Waiters::kWoken);
    all &= step.done;
    home += step.pages * kStashPageBytes;
  }
  return all;
}

bool StashPages::return_all() {
  bool all = true;
  for_each_piece([&](uint64_t start) { all &= return_range(start, start + ring::kStashPieceBytes, 0); });
  return all;
}

void StashPages::discard(uint64_t start, uint64_t end) {
  for (uint64_t next = 0; start < end; start = next) {
    next = region_start(start) + ring::kStashRegionBytes;
    const uint64_t bytes = (next < end ? next : end) - start;
    char* const stash = place_of(start);
    if (stash != nullptr) raw_syscall(SYS_madvise, arg(stash), static_cast<long>(bytes), MADV_DONTNEED);
  }
}

void StashPages::give_to_child(int child) const {
  for_each_piece([&](uint64_t start) {
    char* const stash = place_of(start);
    for (uint64_t at = 0; at < ring::kStashPieceBytes; at += kStashPageBytes)
      for (int i = 0; i < kStashTries && copy(child, start + at, arg(stash + at), 0) == -EAGAIN; ++i) {
      }
  });
}

void StashPages::unmap_regions() {
  for (ring::StashRegion& region : room_.regions) {
    if (region.stash == 0) continue;
    raw_syscall(SYS_munmap, static_cast<long>(region.stash), static_cast<long>(ring::kStashRegionBytes));
    region = {};
  }
}

}  // namespace oomcast::inject
