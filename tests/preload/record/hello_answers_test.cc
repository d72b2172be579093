// Who is watched after its hello, and what each guest gets for an answer.
#include "preload/record/hello_answers.h"

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "preload/record/kernel/userfaultfd.h"
#include "preload/ring/descriptors.h"
#include "tests/preload/record/forked_child.h"
#include "tests/preload/record/rooms_fixture.h"

namespace oomcast::record {
namespace {

/// What a guest has received; no status: the recorder hung up without a word.
struct Received {
  std::optional<ring::ReplyStatus> status;
  ring::Reply reply;
  size_t descriptors = 0;
};

class HelloAnswersTest : public RoomsTest {
 protected:
  static Hello hello(uint32_t pid) {
    Hello said;
    said.pid = pid;
    said.user = ::geteuid();
    said.request.flags = ring::kTriedDevice;
    return said;
  }
  /// Gives the hello to the recorder, and reads what it sends.
  Received say(Hello said) {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    const UniqueFd guest(ends[1]);
    hellos.add_connection(ends[0]);
    said.connection = ends[0];
    answers.take(std::move(said));
    Received received;
    iovec io{&received.reply, sizeof received.reply};
    alignas(cmsghdr) char control[CMSG_SPACE(4 * sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &io;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    if (::recvmsg(guest.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != sizeof received.reply) return received;
    received.status = received.reply.status;
    ring::for_each_descriptor(message, [&](int descriptor) {
      const UniqueFd closed(descriptor);
      ++received.descriptors;
    });
    return received;
  }

  EventLoop loop;
  HelloServer hellos{loop, 4096, [](Hello) {}};
  ProcessLife life{rooms, loop, hellos.socket_name()};
  QuestionServer questions{rooms.processes, {}};
  TrackingStart tracking{options,       rooms.tracker, rooms.processes, rooms.phase, rooms.filler,
                         rooms.scanner, rooms.meter,   rooms.notes,     loop};
  HelloAnswers answers{options, rooms.tracker, rooms.processes, rooms.files, rooms.notes,
                       clocks,  life,          tracking,        hellos,      questions};
};

TEST_F(HelloAnswersTest, AGuestGetsTheSharedAreaAndTheDoorbell) {
  const Received received = say(hello(kFirstPid));
  EXPECT_EQ(received.status, ring::ReplyStatus::kTracked);
  EXPECT_EQ(received.descriptors, 2u);
  EXPECT_EQ(received.reply.polled, 1u) << "it has sent no userfaultfd";
  EXPECT_EQ(received.reply.stack_sample_bytes, 4096u);
  Process* const process = rooms.processes.find(kFirstPid);
  ASSERT_NE(process, nullptr);
  EXPECT_TRUE(process->life.said_hello());
  EXPECT_NE(process->shared, nullptr);
  EXPECT_EQ(process->scans.next_ns, clocks.now + 3'000'000) << "unless it asks something before";
}

TEST_F(HelloAnswersTest, AHelloEndsTheWaitForMemoryThatWasGone) {
  FakeProcess known = add_polled();
  known.process.life.memory_gone_ns = clocks.now;
  EXPECT_EQ(say(hello(kFirstPid)).status, ring::ReplyStatus::kTracked);
  EXPECT_EQ(known.process.life.memory_gone_ns, 0u);
}

TEST_F(HelloAnswersTest, AStrangersProcessStaysOut) {
  Hello strange = hello(kFirstPid);
  strange.user = ::geteuid() + 1;
  strange.request.argument = kSecondPid;
  add_polled(kSecondPid);
  EXPECT_EQ(say(std::move(strange)).status, ring::ReplyStatus::kStayOut) << "it may claim any parent";
  EXPECT_EQ(rooms.processes.find(kFirstPid), nullptr);
}

TEST_F(HelloAnswersTest, AProcessOfAnotherUserThatDescendsFromAGuestIsWatched) {
  const ForkedChild child([] { return ::pause(); });
  add_polled(static_cast<uint32_t>(::getpid()));
  Hello other = hello(child.number());
  other.user = ::geteuid() + 1;
  EXPECT_EQ(say(std::move(other)).status, ring::ReplyStatus::kTracked);
}

TEST_F(HelloAnswersTest, OnlyTheRootIsWatchedWhereChildrenAreNotFollowed) {
  options.follow_children = false;
  rooms.processes.root.pid = kFirstPid;
  EXPECT_EQ(say(hello(kSecondPid)).status, ring::ReplyStatus::kStayOut);
  EXPECT_EQ(say(hello(kFirstPid)).status, ring::ReplyStatus::kTracked);
}

TEST_F(HelloAnswersTest, AfterTheRootsEndNobodyIsWatchedUnlessAllAreWaitedFor) {
  rooms.processes.root.ended = true;
  EXPECT_EQ(say(hello(kFirstPid)).status, ring::ReplyStatus::kStayOut);
  options.wait_for_all = true;
  EXPECT_EQ(say(hello(kFirstPid)).status, ring::ReplyStatus::kTracked);
}

TEST_F(HelloAnswersTest, WhoCouldOpenNoUserfaultfdGetsTheDeviceOnce) {
  if (!open_userfaultfd_device()) GTEST_SKIP() << "/dev/userfaultfd cannot be opened here";
  Hello without = hello(kFirstPid);
  without.request.flags = 0;
  const Received received = say(std::move(without));
  EXPECT_EQ(received.status, ring::ReplyStatus::kTakeDevice);
  EXPECT_EQ(received.descriptors, 1u);
  EXPECT_EQ(rooms.processes.find(kFirstPid), nullptr) << "it says hello again";
  EXPECT_EQ(say(hello(kFirstPid)).status, ring::ReplyStatus::kTracked);
}

TEST_F(HelloAnswersTest, AHelperSaysHelloForItsParent) {
  const ForkedChild helper([] { return ::pause(); });
  const auto parent = static_cast<uint32_t>(::getpid());
  Hello said = hello(helper.number());
  said.request.flags |= ring::kByHelper;
  add_polled(parent);
  EXPECT_EQ(say(std::move(said)).status, ring::ReplyStatus::kTracked);
  EXPECT_TRUE(rooms.processes.find(parent)->life.said_hello());
  EXPECT_EQ(rooms.processes.find(helper.number()), nullptr);
}

TEST_F(HelloAnswersTest, AProcessThatMayHaveNoStashGetsNoHelper) {
  const ForkedChild helper([] { return ::pause(); });
  FakeProcess fake = add_held(static_cast<uint32_t>(::getpid()));
  share_area(fake.process);
  Hello said = hello(helper.number());
  said.request.kind = ring::RequestKind::kHelloStash;
  EXPECT_EQ(say(std::move(said)).status, std::nullopt);
  EXPECT_EQ(fake.process.stash.helper, nullptr);
}

TEST_F(HelloAnswersTest, AHelperThatDoesNotShareTheMemoryOfItsProcessIsNone) {
  const ForkedChild helper([] { return ::pause(); });
  FakeProcess fake = add_held(static_cast<uint32_t>(::getpid()));
  share_area(fake.process);
  fake.process.stash.possible = true;
  Hello said = hello(helper.number());
  said.request.kind = ring::RequestKind::kHelloStash;
  EXPECT_EQ(say(std::move(said)).status, std::nullopt);
  EXPECT_EQ(fake.process.stash.helper, nullptr);
}

}  // namespace
}  // namespace oomcast::record
