// The recorder's two threads under one lock: the loop scans and takes the end of the process, the doorbell's thread
// answers questions. The process only speaks the protocol: it has no library, and it frees memory while it is scanned.
#include "preload/record/session.h"

#include <gmock/gmock.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "preload/record/kernel/pages.h"
#include "preload/record/kernel/sealed_memory.h"
#include "preload/record/own_process.h"
#include "preload/ring/descriptors.h"
#include "tests/preload/record/recording_sink.h"

namespace oomcast::record {
namespace {

using trace::EventKind;

constexpr uint64_t kRounds = 200, kPages = 16, kBytes = kPages * kPage;
constexpr int kExitCode = 7, kTrouble = 1;

/// The addresses of the process's memory in each round, which the process writes down for the test.
using Places = std::array<uint64_t, kRounds>;

/// The guest's side of the protocol, in a process that the test forks. The process ends with kTrouble after a wrong
/// answer of the recorder.
class ProtocolGuest {
 public:
  explicit ProtocolGuest(Places* places) : places_(places) {}

  [[noreturn]] void run(int names) {
    char name[sizeof(sockaddr_un::sun_path)] = {};
    const ssize_t length = ::read(names, name, sizeof name);
    if (length <= 0 || !say_hello(name, static_cast<size_t>(length))) ::_exit(kTrouble);
    for (uint64_t round = 0; round < kRounds; ++round) {
      (*places_)[round] = map_and_touch();
      if (!free((*places_)[round])) ::_exit(kTrouble);
    }
    ask(ring::RequestKind::kExiting, 0, 0, kExitCode);
    ::_exit(kExitCode);
  }

 private:
  bool say_hello(const char* name, size_t length) {
    const int fd = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name, length);
    address.sun_path[0] = '\0';
    if (::connect(fd, reinterpret_cast<sockaddr*>(&address),
                  static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length)) != 0)
      return false;
    ring::Request hello;
    hello.pid = hello.tid = static_cast<uint32_t>(::getpid());
    hello.userfaultfd_errno = EPERM;
    hello.flags = ring::kTriedDevice;
    if (::send(fd, &hello, sizeof hello, 0) != static_cast<ssize_t>(sizeof hello)) return false;
    ring::Reply reply;
    iovec io{&reply, sizeof reply};
    alignas(cmsghdr) char control[CMSG_SPACE(2 * sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &io;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    if (::recvmsg(fd, &message, 0) != static_cast<ssize_t>(sizeof reply) ||
        reply.status != ring::ReplyStatus::kTracked || reply.polled == 0)
      return false;
    std::vector<int> memory;
    ring::for_each_descriptor(message, [&](int descriptor) { memory.push_back(descriptor); });
    if (memory.size() != 2) return false;
    area_ = map<ring::SharedArea>(memory[0]);
    bell_ = map<ring::Doorbell>(memory[1]);
    return area_ != nullptr && bell_ != nullptr;
  }

  template <class T>
  static T* map(int memory) {
    void* const mapped = ::mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
    return mapped == MAP_FAILED ? nullptr : static_cast<T*>(mapped);
  }
  bool ask(ring::RequestKind kind, uint64_t address, uint64_t bytes, uint64_t argument) {
    ring::Request question;
    question.kind = kind;
    question.pid = question.tid = static_cast<uint32_t>(::getpid());
    question.address = address;
    question.bytes = bytes;
    question.argument = argument;
    ring::ReplyStatus status{};
    return ring::ask(area_->mailbox, *bell_, question, &status, shared_futex) && status == ring::ReplyStatus::kTracked;
  }
  static uint64_t map_and_touch() {
    auto* const memory =
        static_cast<char*>(::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (memory == MAP_FAILED) ::_exit(kTrouble);
    std::memset(memory, 1, kBytes);
    return reinterpret_cast<uint64_t>(memory);
  }
  bool free(uint64_t at) {
    if (!ask(ring::RequestKind::kFreeing, at, kBytes, 0)) return false;
    ::munmap(reinterpret_cast<void*>(at), kBytes);
    trace::Event note;
    note.kind = EventKind::kUnmap;
    note.tid = static_cast<uint32_t>(::getpid());
    note.address = at;
    note.bytes = kBytes;
    area_->ring.try_push(note);
    return true;
  }

  Places* places_;
  ring::SharedArea* area_ = nullptr;
  ring::Doorbell* bell_ = nullptr;
};

TEST(Session, TheLoopAndTheDoorbellTogetherCountEachPageOnceAndTakeTheEnd) {
  auto* const places =
      static_cast<Places*>(::mmap(nullptr, sizeof(Places), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  int names[2];
  ASSERT_EQ(::pipe(names), 0);
  const pid_t guest = ::fork();
  if (guest == 0) {
    ::alarm(120);
    ProtocolGuest(places).run(names[0]);
  }
  const SignalsHeld held;
  RecordOptions options;
  options.command = {"protocol-guest"};
  RecordingSink sink;
  Session session(options, TrackerKind::kPagemap, sink);
  ASSERT_TRUE(session.listen("").ok());
  session.add_root(static_cast<uint32_t>(guest), true);
  const std::string name = session.socket_name();
  ASSERT_EQ(::write(names[1], name.data(), name.size()), static_cast<ssize_t>(name.size()));
  session.loop();
  const trace::CaptureSummary summary = session.finish();
  EXPECT_TRUE(summary.exited);
  EXPECT_EQ(summary.exit_code, kExitCode);
  EXPECT_EQ(summary.tracker, "pagemap");
  // The rounds lie in a few places. What each of them had was touched once and given back once.
  std::set<uint64_t> pages;
  for (const uint64_t place : *places)
    for (uint64_t at = place; at < place + kBytes; at += kPage) pages.insert(at);
  const auto pages_of = [&](const trace::Event& event) {
    uint64_t count = 0;
    for (uint64_t at = event.address; at < event.address + event.bytes; at += kPage) count += pages.contains(at);
    return count;
  };
  uint64_t touched = 0, given_back = 0;
  for (const trace::Event& event : sink.events) {
    if (event.kind == EventKind::kTouch && (event.flags & trace::kWrite) != 0) touched += pages_of(event);
    if (event.kind == EventKind::kAdviseDontneed) given_back += pages_of(event);
  }
  EXPECT_EQ(touched, kRounds * kPages);
  EXPECT_EQ(given_back, kRounds * kPages);
  ::close(names[0]);
  ::close(names[1]);
  ::munmap(places, sizeof(Places));
}

}  // namespace
}  // namespace oomcast::record
