// A guest that says hello on the socket is answered once, with descriptors; what is no hello is hung up on.
#include "preload/record/server/hello_server.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <optional>
#include <utility>

#include "preload/ring/descriptors.h"

namespace oomcast::record {
namespace {

constexpr uint64_t kSoonNs = 10'000'000'000;

class HelloServerTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(server.listen("").ok()); }
  /// Serves what is ready until something has been.
  void serve_once() {
    for (const Source& source : loop.wait(kSoonNs)) {
      if (source.kind == SourceKind::kListener) server.accept_connection();
      if (source.kind == SourceKind::kConnection) server.read_connection(static_cast<int>(source.id));
    }
  }
  UniqueFd connect() const {
    UniqueFd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string& name = server.socket_name();
    std::memcpy(address.sun_path, name.data(), name.size());
    address.sun_path[0] = '\0';
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), length), 0);
    return fd;
  }
  static ring::Request hello() {
    ring::Request request;
    request.kind = ring::RequestKind::kHello;
    return request;
  }

  EventLoop loop;
  std::optional<Hello> taken;
  HelloServer server{loop, 4096, [this](Hello said) { taken = std::move(said); }};
};

TEST_F(HelloServerTest, AHelloComesWithThePidThatTheKernelKnows) {
  const UniqueFd guest = connect();
  const ring::Request request = hello();
  ASSERT_EQ(::send(guest.get(), &request, sizeof request, 0), static_cast<ssize_t>(sizeof request));
  serve_once();
  serve_once();
  ASSERT_TRUE(taken.has_value());
  EXPECT_EQ(taken->pid, static_cast<uint32_t>(::getpid()));
  EXPECT_EQ(taken->user, ::geteuid());
  EXPECT_FALSE(taken->descriptors.all);
  server.reply(taken->connection, {ring::ReplyStatus::kTracked, true, false});
  ring::Reply reply;
  ASSERT_EQ(::recv(guest.get(), &reply, sizeof reply, 0), static_cast<ssize_t>(sizeof reply));
  EXPECT_EQ(reply.status, ring::ReplyStatus::kTracked);
  EXPECT_EQ(reply.polled, 1);
  EXPECT_EQ(reply.stack_sample_bytes, 4096u);
  EXPECT_EQ(::recv(guest.get(), &reply, sizeof reply, 0), 0) << "it was the last word";
}

TEST_F(HelloServerTest, DescriptorsOfAHelloAreTakenInOrder) {
  const UniqueFd guest = connect(), first(::eventfd(1, EFD_CLOEXEC)), second(::eventfd(2, EFD_CLOEXEC));
  ring::Request request = hello();
  iovec io{&request, sizeof request};
  alignas(cmsghdr) char control[CMSG_SPACE(2 * sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &io;
  message.msg_iovlen = 1;
  const int descriptors[] = {first.get(), second.get()};
  ring::attach_descriptors(&message, control, descriptors, 2);
  ASSERT_GT(::sendmsg(guest.get(), &message, 0), 0);
  serve_once();
  serve_once();
  ASSERT_TRUE(taken.has_value());
  uint64_t value = 0;
  ASSERT_EQ(::read(taken->descriptors.all.get(), &value, sizeof value), static_cast<ssize_t>(sizeof value));
  EXPECT_EQ(value, 1u);
  ASSERT_EQ(::read(taken->descriptors.heap.get(), &value, sizeof value), static_cast<ssize_t>(sizeof value));
  EXPECT_EQ(value, 2u);
}

TEST_F(HelloServerTest, WhatIsNoHelloIsHungUpOn) {
  const UniqueFd guest = connect();
  ASSERT_EQ(::send(guest.get(), "GET /", 5, 0), 5);
  serve_once();
  serve_once();
  EXPECT_FALSE(taken.has_value());
  char byte;
  EXPECT_EQ(::recv(guest.get(), &byte, 1, 0), 0);
}

TEST_F(HelloServerTest, AnAnswerThatGivesADeviceKeepsTheConnection) {
  const UniqueFd guest = connect(), device(::eventfd(0, EFD_CLOEXEC));
  const ring::Request request = hello();
  ASSERT_GT(::send(guest.get(), &request, sizeof request, 0), 0);
  serve_once();
  serve_once();
  ASSERT_TRUE(taken.has_value());
  server.reply(taken->connection, {ring::ReplyStatus::kTakeDevice}, std::array{device.get()});
  taken.reset();
  ASSERT_GT(::send(guest.get(), &request, sizeof request, 0), 0);
  serve_once();
  EXPECT_TRUE(taken.has_value());
}

}  // namespace
}  // namespace oomcast::record
