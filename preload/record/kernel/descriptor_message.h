// Sends plain data over a UNIX socket, with a descriptor if there is one. Uses no heap.
#pragma once

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "preload/ring/descriptors.h"

namespace oomcast::record {

/// `descriptor` < 0: none. False: not sent.
template <class T>
bool send_with_descriptor(int socket, const T& data, int descriptor, int flags = 0) {
  iovec content{const_cast<T*>(&data), sizeof data};
  msghdr message{};
  message.msg_iov = &content;
  message.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  if (descriptor >= 0) ring::attach_descriptors(&message, control, &descriptor, 1);
  ssize_t sent;
  do sent = ::sendmsg(socket, &message, flags | MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent == static_cast<ssize_t>(sizeof data);
}

}  // namespace oomcast::record
