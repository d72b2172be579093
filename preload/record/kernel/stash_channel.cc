// StashHelper: sends one command over a socket and waits for its answer.
#include "preload/record/kernel/stash_channel.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "preload/record/kernel/descriptor_message.h"

namespace oomcast::record {

namespace {

void set_patience(int socket, time_t seconds) {
  const timeval patience{seconds, 0};
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
}

}  // namespace

StashHelper::StashHelper(UniqueFd socket, uint32_t pid, const ring::StashRoom& room)
    : socket_(std::move(socket)), pidfd_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))), pid_(pid), room_(room) {
  set_patience(socket_.get(), 10);
}

StashHelper::~StashHelper() {
  set_patience(socket_.get(), 1);
  ::shutdown(socket_.get(), SHUT_WR);
  char byte;
  static_cast<void>(!::recv(socket_.get(), &byte, sizeof byte, 0));
}

/// A helper that does not answer (it may be stopped) is killed: it must not execute the command later, unexpectedly.
void StashHelper::kill() const {
  if (!pidfd_) return;
  ::syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0);
  pollfd end{pidfd_.get(), POLLIN, 0};
  while (::poll(&end, 1, -1) < 0 && errno == EINTR) {
  }
}

/// No value: the helper has ended, or was killed because it did not answer for 10 s.
std::optional<StashChannel::Pages> StashHelper::ask(ring::StashOrder order, std::span<const PageRange> ranges,
                                                    uint64_t distance, int descriptor) {
  ring::StashCommand command{};
  command.order = order;
  command.distance = distance;
  command.ranges = static_cast<uint32_t>(ranges.size());
  for (size_t i = 0; i < ranges.size(); ++i)
    command.range[i] = {ranges[i].first, (ranges[i].second - ranges[i].first) / kPage};
  ssize_t done = -1;
  ring::StashAnswer answer;
  if (send_with_descriptor(socket_.get(), command, descriptor)) {
    do done = ::recv(socket_.get(), &answer, sizeof answer, 0);
    while (done < 0 && errno == EINTR);
  }
  if (done != static_cast<ssize_t>(sizeof answer)) {
    kill();
    return std::nullopt;
  }
  Pages pages;
  for (size_t bit = 0; bit < pages.size(); ++bit) pages[bit] = (answer.done[bit / 64] >> bit % 64 & 1) != 0;
  return pages;
}

std::optional<StashChannel::Pages> StashHelper::out(std::span<const PageRange> ranges) {
  return ask(ring::StashOrder::kOut, ranges, 0);
}

std::optional<StashChannel::Pages> StashHelper::back(std::span<const PageRange> ranges, uint64_t distance,
                                                     Waiters waiters) {
  return ask(waiters == Waiters::kAsleep ? ring::StashOrder::kBackAsleep : ring::StashOrder::kBack, ranges, distance);
}

bool StashHelper::drop(PageRange range) { return ask(ring::StashOrder::kDrop, {&range, 1}, 0).has_value(); }

bool StashHelper::give_to_child(int userfaultfd) {
  return ask(ring::StashOrder::kGiveToChild, {}, 0, userfaultfd).has_value();
}

uint64_t StashHelper::place_of(uint64_t page) const {
  for (const ring::StashRegion& region : room_.regions)
    if (region.stash != 0 && page >= region.start && page - region.start < ring::kStashRegionBytes)
      return region.stash + (page - region.start);
  return 0;
}

bool StashHelper::alive() const {
  pollfd end{socket_.get(), POLLIN, 0};
  return ::poll(&end, 1, 0) == 0;
}

bool StashHelper::is_stash(uint64_t start) const {
  return std::any_of(std::begin(room_.regions), std::end(room_.regions), [start](const ring::StashRegion& region) {
    return region.stash != 0 && start >= region.stash && start - region.stash < ring::kStashRegionBytes;
  });
}

}  // namespace oomcast::record
