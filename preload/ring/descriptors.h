// Sends descriptors with a message over a UNIX socket, and takes received ones (SCM_RIGHTS). For guest and recorder.
#pragma once

#include <string.h>
#include <sys/socket.h>

#include <cstddef>

namespace oomcast::ring {

/// Attaches `count` descriptors to the message. `control`: at least CMSG_SPACE(count * sizeof(int)) bytes, aligned like
/// cmsghdr, that stay valid until the message is sent.
inline void attach_descriptors(msghdr* message, void* control, const int* descriptors, size_t count) {
  const size_t bytes = count * sizeof *descriptors;
  message->msg_control = control;
  message->msg_controllen = CMSG_SPACE(bytes);
  cmsghdr* const header = CMSG_FIRSTHDR(message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(bytes);
  memcpy(CMSG_DATA(header), descriptors, bytes);
}

/// Calls f(descriptor) for each descriptor received, in order. The caller owns them.
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
