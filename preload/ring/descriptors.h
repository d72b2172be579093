// Which descriptors came along with a message? Guest and recorder ask alike.
#pragma once

#include <string.h>
#include <sys/socket.h>

#include <cstddef>

namespace oomcast::ring {

/// Calls f(descriptor) for each, in order; they are the caller's now.
template <class F>
void for_each_descriptor(msghdr& message, F f) {
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int descriptor;
      memcpy(&descriptor, CMSG_DATA(header) + i * sizeof descriptor, sizeof descriptor);
      f(descriptor);
    }
  }
}

}  // namespace oomcast::ring
