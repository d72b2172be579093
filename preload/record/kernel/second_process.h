// Starts a second process of the recorder, with a socket between the two.
#pragma once

#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "preload/record/kernel/unique_fd.h"

namespace oomcast::record {

/// Forks, and calls `what` in the child with the child's end of a socket pair. Returns the child's pid and sets `ours`;
/// -1 and errno: failed. REQUIRES: `what` does not return and does not allocate, as another thread may have held the
/// allocator's locks at the fork.
template <class What>
pid_t start_second_process(UniqueFd* ours, What what) {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) return -1;
  UniqueFd kept(pair[0]);
  const UniqueFd theirs(pair[1]);
  const pid_t child = ::fork();
  if (child == 0) what(theirs.get());
  if (child > 0) *ours = std::move(kept);
  return child;
}

/// For the child: closes all descriptors except `kept` (negative: none). Pipes that the recorder has inherited then end
/// with the recorder, and no userfaultfd stays open because of the child.
void close_all_but(std::array<int, 3> kept);

}  // namespace oomcast::record
