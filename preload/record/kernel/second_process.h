// A process of the recorder's own beside it, with a socket between the two.
#pragma once

#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "preload/record/kernel/unique_fd.h"

namespace oomcast::record {

/// Does `what` with its end of the socket in a copy of this process. Its number, and our end; -1 and an errno: there is
/// none. REQUIRES: `what` does not return, and allocates nothing: other threads may have held the allocator's locks.
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

/// In the copy: pipes that the recorder has inherited end with the recorder, and no memory stays registered because of
/// us. Negative numbers are none.
void close_all_but(std::array<int, 3> kept);

}  // namespace oomcast::record
