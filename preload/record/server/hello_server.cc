// HelloServer: a UNIX socket in the abstract namespace, with descriptors passed by SCM_RIGHTS.
#include "preload/record/server/hello_server.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <random>
#include <utility>

#include "preload/record/kernel/descriptor_message.h"
#include "preload/ring/descriptors.h"
#include "preload/ring/shared_area.h"

namespace oomcast::record {
namespace {

UniqueFd open_spare() { return UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

}  // namespace

HelloServer::HelloServer(EventLoop& loop, int64_t stack_sample_bytes, std::function<void(Hello)> take)
    : loop_(loop), stack_sample_bytes_(stack_sample_bytes), take_(std::move(take)) {}

HelloServer::~HelloServer() {
  for (const int fd : connections_) ::close(fd);
}

Result<void> HelloServer::listen(const std::string& abstract_name) {
  socket_name_ = abstract_name;
  if (socket_name_.empty()) {
    std::random_device random;
    socket_name_ = "@oomcast-" + std::to_string(::getpid()) + "-" + std::to_string(uint64_t{random()} << 32 | random());
  }
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, socket_name_.data(), std::min(socket_name_.size(), sizeof address.sun_path));
  address.sun_path[0] = '\0';
  listener_ = UniqueFd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_name_.size());
  if (!listener_ || ::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), length) != 0 ||
      ::listen(listener_.get(), 128) != 0)
    return Error{std::string("cannot listen on a UNIX socket: ") + std::strerror(errno)};
  loop_.watch(listener_.get(), SourceKind::kListener, 0);
  return {};
}

void HelloServer::add_connection(int fd) {
  connections_.insert(fd);
  loop_.watch(fd, SourceKind::kConnection, static_cast<uint32_t>(fd));
}

void HelloServer::keep_spare_descriptor() { spare_ = open_spare(); }

void HelloServer::accept_connection() {
  int fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
  if (fd >= 0) return add_connection(fd);
  if (errno != EMFILE && errno != ENFILE) return;
  // No free descriptor. A guest that waits for the answer would wait for ever, so the spare descriptor is used to
  // accept its connection and close it.
  spare_.reset();
  fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
  if (fd >= 0) ::close(fd);
  spare_ = open_spare();
  ++turned_away_;
}

void HelloServer::read_connection(int fd) {
  if (!connections_.contains(fd)) return;
  Hello hello;
  hello.connection = fd;
  iovec io{&hello.request, sizeof hello.request};
  alignas(cmsghdr) char control[CMSG_SPACE(4 * sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &io;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t got = ::recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  FaultDescriptors& carried = hello.descriptors;
  if (got >= 0)
    ring::for_each_descriptor(
        message, [&](int descriptor) { (carried.all ? carried.heap : carried.all) = UniqueFd(descriptor); });
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  const ring::Request& request = hello.request;
  const bool whole =
      got == static_cast<ssize_t>(sizeof request) && request.magic == ring::kMagic && request.version == ring::kVersion;
  if (!whole || (request.kind != ring::RequestKind::kHello && request.kind != ring::RequestKind::kHelloForked &&
                 request.kind != ring::RequestKind::kHelloStash))
    return hang_up(fd);
  // A pid in the message may be wrong; the kernel's (SO_PEERCRED) is not.
  ucred peer{};
  socklen_t length = sizeof peer;
  ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length);
  hello.pid = static_cast<uint32_t>(peer.pid);
  hello.user = peer.uid;
  take_(std::move(hello));
}

void HelloServer::hang_up(int fd) {
  if (connections_.erase(fd) != 0) ::close(fd);
}

UniqueFd HelloServer::keep(int fd) {
  if (connections_.erase(fd) == 0) return {};
  loop_.forget(fd);
  return UniqueFd(fd);
}

void HelloServer::reply(int fd, const Answer& answer, std::span<const int> descriptors) {
  ring::Reply reply;
  reply.status = answer.status;
  reply.stack_sample_bytes = static_cast<uint64_t>(std::max<int64_t>(stack_sample_bytes_, 0));
  reply.polled = answer.polled ? 1 : 0;
  reply.huge_pages_off = answer.huge_pages_off ? 1 : 0;
  reply.shared_bytes = sizeof(ring::SharedArea);
  send_with_descriptors(fd, reply, descriptors, MSG_DONTWAIT);
  if (answer.status != ring::ReplyStatus::kTakeDevice) hang_up(fd);
}

}  // namespace oomcast::record
