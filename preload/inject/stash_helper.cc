// The helper of the stash (ring/stash.h): carries out the recorder's commands. When the recorder closes the socket or
// dies, the helper moves all pages back and ends, so the program loses nothing.
//
// The helper runs in the guest's address space while pages of it are missing, and whoever brings them back waits for
// the helper. So it uses only its stack in the shared area and its own descriptors: no writable static data, no libc,
// and no TLS of the thread that made it (%fs may point to freed memory).
#include "preload/inject/stash_helper.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "preload/inject/connection.h"
#include "preload/inject/raw_syscall.h"
#include "preload/inject/stash_pages.h"
#include "preload/inject/stash_restore.h"
#include "preload/ring/descriptors.h"
#include "preload/ring/stash.h"

namespace oomcast::inject {
namespace {

/// All state of the helper. Lies on its stack.
class Helper {
 public:
  explicit Helper(ring::StashRoom& room) : room_(room) {}

  [[noreturn]] void run() {
    const bool ready = leave_guest() && pages_.open() && say_hello();
    room_.helper.store(ring::HelperState::kNotWanted);
    if (ready) {
      while (serve()) {
      }
      restore_.run();
    }
    for (;;) raw_syscall(SYS_exit_group, 0);
  }

 private:
  static bool leave_guest();
  bool say_hello();
  bool serve();
  void carry_out(const ring::StashCommand& command, int child, ring::StashAnswer* answer);
  void move_ranges(const ring::StashCommand& command, ring::StashAnswer* answer);
  StashPages::Step move_some(const ring::StashCommand& command, uint64_t home, uint64_t pages);

  ring::StashRoom& room_;
  ProgramChannels program_;
  StashPages pages_{room_, program_};
  StashRestore restore_{room_, program_, pages_};
  int socket_ = -1;
};

/// Closes all descriptors of the guest, blocks signals, and leaves the guest's process group, whose kill would reach
/// the helper. False: failed.
bool Helper::leave_guest() {
  const uint64_t all = ~uint64_t{0};
  raw_syscall(SYS_rt_sigprocmask, SIG_BLOCK, arg(&all), 0, sizeof all);
  if (failed(raw_syscall(SYS_close_range, 0, ~0u, 0))) return false;
  static constexpr char kRoot[] = "/";
  raw_syscall(SYS_chdir, arg(kRoot));
  raw_syscall(SYS_setsid);
  raw_syscall(SYS_prctl, PR_SET_NAME, arg(ring::kStashHelperName), 0, 0, 0);
  return true;
}

/// Connects with the recorder, and gets the userfaultfds of the program's memory. False: failed.
bool Helper::say_hello() {
  socket_ = static_cast<int>(raw_syscall(SYS_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (socket_ < 0) return false;
  if (raw_syscall(SYS_connect, socket_, arg(room_.address), room_.address_bytes) != 0) return false;
  ring::Request hello;
  hello.kind = ring::RequestKind::kHelloStash;
  hello.pid = room_.guest;
  if (raw_syscall(SYS_sendto, socket_, arg(&hello), sizeof hello, MSG_NOSIGNAL, 0, 0) != sizeof hello) return false;
  ring::Reply reply;
  iovec io{&reply, sizeof reply};
  alignas(cmsghdr) char control[CMSG_SPACE(2 * sizeof(int))];
  msghdr message{};
  message.msg_iov = &io;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const long got = raw_syscall(SYS_recvmsg, socket_, arg(&message), MSG_CMSG_CLOEXEC);
  if (got != static_cast<long>(sizeof reply)) return false;
  int* next = program_.fds;
  ring::for_each_descriptor(message, [&](int descriptor) {
    if (next < program_.fds + 2) *next++ = descriptor;
  });
  return reply.magic == ring::kMagic && reply.status == ring::ReplyStatus::kTracked && program_.fds[0] >= 0;
}

/// Waits for a command and answers it. False: the recorder has closed the socket, or died.
bool Helper::serve() {
  ring::StashCommand command;
  iovec io{&command, sizeof command};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  msghdr message;
  message.msg_name = nullptr;
  message.msg_namelen = 0;
  message.msg_iov = &io;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  message.msg_flags = 0;
  const long got = raw_syscall(SYS_recvmsg, socket_, arg(&message), MSG_CMSG_CLOEXEC);
  if (got == -EINTR) return true;
  if (got != static_cast<long>(sizeof command)) return false;
  int child = -1;
  ring::for_each_descriptor(message, [&](int descriptor) { child = descriptor; });
  ring::StashAnswer answer;
  carry_out(command, child, &answer);
  if (child >= 0) raw_syscall(SYS_close, child);
  return raw_syscall(SYS_sendto, socket_, arg(&answer), sizeof answer, MSG_NOSIGNAL, 0, 0) ==
         static_cast<long>(sizeof answer);
}

void Helper::carry_out(const ring::StashCommand& command, int child, ring::StashAnswer* answer) {
  for (uint64_t& word : answer->done) word = 0;
  const ring::StashRange& first = command.range[0];
  switch (command.order) {
    case ring::StashOrder::kGiveToChild:
      return pages_.give_to_child(child);
    case ring::StashOrder::kDrop:
      return pages_.discard(first.start, first.start + first.pages * kStashPageBytes);
    case ring::StashOrder::kOut:
    case ring::StashOrder::kBack:
    case ring::StashOrder::kBackAsleep:
      return move_ranges(command, answer);
  }
}

/// `done` of the answer gets the bits of the pages that were moved.
void Helper::move_ranges(const ring::StashCommand& command, ring::StashAnswer* answer) {
  uint64_t bit = 0;
  for (uint32_t i = 0; i < command.ranges && i < ring::kStashRangesAtOnce; ++i) {
    const ring::StashRange& range = command.range[i];
    if (range.pages > ring::kStashPagesAtOnce - bit) return;
    for (uint64_t page = 0; page < range.pages;) {
      const StashPages::Step step = move_some(command, range.start + page * kStashPageBytes, range.pages - page);
      for (const uint64_t end = page + step.pages; page < end; ++page)
        if (step.done) answer->done[(bit + page) / 64] |= uint64_t{1} << (bit + page) % 64;
    }
    bit += range.pages;
  }
}

StashPages::Step Helper::move_some(const ring::StashCommand& command, uint64_t home, uint64_t pages) {
  if (command.order == ring::StashOrder::kOut) return pages_.stash_some(home, pages);
  const auto waiters =
      command.order == ring::StashOrder::kBackAsleep ? StashPages::Waiters::kAsleep : StashPages::Waiters::kWoken;
  return pages_.return_some(home, home + command.distance, pages, waiters);
}

int be_stash_helper(void* room) { Helper(*static_cast<ring::StashRoom*>(room)).run(); }

/// Whether children of this process would be in another PID namespace (unshare), where the first one would be init.
bool children_are_elsewhere() {
  char own[64], of_children[64];
  const long a = raw_syscall(SYS_readlinkat, AT_FDCWD, arg("/proc/self/ns/pid"), arg(own), sizeof own);
  const long b = raw_syscall(SYS_readlinkat, AT_FDCWD, arg("/proc/self/ns/pid_for_children"), arg(of_children),
                             sizeof of_children);
  if (failed(a) || a != b) return true;
  for (long i = 0; i < a; ++i)
    if (own[i] != of_children[i]) return true;
  return false;
}

bool clone_helper(ring::StashRoom& room) {
  if (static_cast<uint32_t>(raw_syscall(SYS_getpid)) != own_pid || children_are_elsewhere() ||
      !copy_recorder_address(room.address, sizeof room.address, &room.address_bytes))
    return false;
  room.guest = own_pid;
  // As with the helper of a hello (connection.cc), the guest's wait() does not see a child without an exit signal.
  return ::clone(be_stash_helper, room.stack + sizeof room.stack, CLONE_VM | CLONE_UNTRACED, &room) >= 0;
}

/// Until the helper serves, a page that is only read again is never missing. So the program goes on with the helper, or
/// without one after a second: the helper may have been killed.
void await_helper(const std::atomic<ring::HelperState>& state) {
  constexpr int kHelperPatienceMs = 1000;
  const timespec moment{0, 1'000'000};
  for (int i = 0; i < kHelperPatienceMs && state.load() == ring::HelperState::kBeingMade; ++i)
    raw_syscall(SYS_nanosleep, arg(&moment), 0);
}

}  // namespace

void make_wanted_stash_helper() {
  std::atomic<ring::HelperState>& state = agent_shared->stash.helper;
  ring::HelperState wanted = ring::HelperState::kWanted;
  if (state.load(std::memory_order_relaxed) != wanted ||
      !state.compare_exchange_strong(wanted, ring::HelperState::kBeingMade))
    return;
  const int saved_errno = errno;
  if (clone_helper(agent_shared->stash))
    await_helper(state);
  else
    state.store(ring::HelperState::kNotWanted);
  errno = saved_errno;
}

}  // namespace oomcast::inject
