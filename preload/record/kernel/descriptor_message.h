// Sends a plain struct over a UNIX socket, with descriptors if there are any. Uses no heap.
#pragma once

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cstddef>
#include <span>

#include "preload/ring/descriptors.h"

namespace oomcast::record {

inline constexpr size_t kSentDescriptorsMost = 2;

/// False: the message was not sent. REQUIRES: at most kSentDescriptorsMost descriptors.
template <class T>
bool send_with_descriptors(int socket, const T& data, std::span<const int> descriptors, int flags = 0) {
  iovec content{const_cast<T*>(&data), sizeof data};
  msghdr message{};
  message.msg_iov = &content;
  message.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(kSentDescriptorsMost * sizeof(int))] = {};
  if (!descriptors.empty()) ring::attach_descriptors(&message, control, descriptors.data(), descriptors.size());
  ssize_t sent;
  do sent = ::sendmsg(socket, &message, flags | MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent == static_cast<ssize_t>(sizeof data);
}

/// `descriptor` < 0: none is sent. False: the message was not sent.
template <class T>
bool send_with_descriptor(int socket, const T& data, int descriptor, int flags = 0) {
  return send_with_descriptors(socket, data, {&descriptor, descriptor >= 0 ? size_t{1} : 0}, flags);
}

}  // namespace oomcast::record
