// Sends descriptors along with a message and takes those that came, for the guest and the recorder alike.
#pragma once

#include <string.h>
#include <sys/socket.h>

#include <cstddef>

namespace oomcast::ring {

/// Has the message carry `count` descriptors. `control`: CMSG_SPACE(count * sizeof(int)) bytes or more, aligned as
/// cmsghdr is, that live as long as the message.
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
