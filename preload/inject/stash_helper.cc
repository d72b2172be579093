// The helper of the stash (ring/stash.h): carries out the recorder's commands. When the recorder closes the socket or
// dies, the helper moves all pages back and ends, so the program loses nothing.
//
// The helper runs in the guest's address space while pages of it are missing, and whoever brings them back waits for
// the helper. So it uses only its stack in the shared area and its own descriptors: no writable static data, no libc,
// and no TLS of the thread that made it (%fs may point to freed memory).
#include "preload/inject/stash_helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "preload/inject/connection.h"
#include "preload/inject/raw_syscall.h"
#include "preload/ring/descriptors.h"
#include "preload/ring/stash.h"
#include "preload/ring/userfaultfd_names.h"

namespace oomcast::inject {
namespace {

using ring::StashRange;

constexpr uint64_t kPageBytes = 4096;
constexpr uint64_t kDontWake = 1, kAllowHoles = 2;
constexpr int kTries = 64;
constexpr int kPatience = 20, kLastPatience = 2000;  // tries of 1 ms each in restore()

enum class Outcome { kDone, kAgain };

/// All state of the helper. Lies on its stack.
class Helper {
 public:
  explicit Helper(ring::StashRoom* room) : room_(room) {}

  [[noreturn]] void run() {
    const bool ready = begin();
    room_->helper.store(ring::HelperState::kNotWanted);
    if (ready) {
      while (serve()) {
      }
      restore();
    }
    for (;;) raw_syscall(SYS_exit_group, 0);
  }

 private:
  bool begin();
  bool serve();
  void restore();

  char* stash_of(uint64_t home, bool make);
  ring::StashRegion* region_of(uint64_t home, bool make);
  long move(int fd, uint64_t to, uint64_t from, uint64_t bytes, uint64_t mode) const;
  long copy(int fd, uint64_t to, uint64_t from, uint64_t mode) const;

  Outcome back(uint64_t home, uint64_t to, uint64_t mode);
  void drop(uint64_t start, uint64_t end);
  uint64_t run_out(uint64_t home, uint64_t pages);
  uint64_t run_back(uint64_t home, uint64_t to, uint64_t pages, uint64_t mode);
  void carry_out(const ring::StashCommand& command, int child, ring::StashAnswer* answer);
  bool back_all();
  void give_to_child(int child);

  void take_event(const uffd_msg& event);
  bool back_range(uint64_t start, uint64_t end, uint64_t distance);
  void take_unread_events(int tries);
  bool holds(uint64_t home);
  void let_go(uint64_t page, bool at_last);

  /// Calls f(start) for each 2 MiB of the program's memory that has ever had a page in the stash.
  template <class F>
  void for_each_piece(F f) {
    for (const ring::StashRegion& region : room_->regions)
      for (uint64_t piece = 0; region.stash != 0 && piece < ring::kStashPieces; ++piece)
        if ((region.pieces[piece / 64] >> piece % 64 & 1) != 0) f(region.start + piece * ring::kStashPieceBytes);
  }

  ring::StashRoom* room_;
  int socket_ = -1, stash_fd_ = -1, pagemap_ = -1;
  int places_[2] = {-1, -1};  // userfaultfds of the program's memory: for all but the heap, for the heap
};

long Helper::move(int fd, uint64_t to, uint64_t from, uint64_t bytes, uint64_t mode) const {
  ring::UffdioMove request{to, from, bytes, mode, 0};
  const long result = raw_syscall(SYS_ioctl, fd, ring::kUffdioMove, arg(&request));
  if (result == 0) return static_cast<long>(bytes);
  return request.moved > 0 ? static_cast<long>(request.moved) : result;
}

long Helper::copy(int fd, uint64_t to, uint64_t from, uint64_t mode) const {
  uffdio_copy request{};
  request.dst = to;
  request.src = from;
  request.len = kPageBytes;
  request.mode = mode;
  return raw_syscall(SYS_ioctl, fd, static_cast<long>(UFFDIO_COPY), arg(&request));
}

/// The region of the stash for this page; `make`: maps a new one. Null: there is none. A region stays mapped, as
/// address space costs nothing.
ring::StashRegion* Helper::region_of(uint64_t home, bool make) {
  const uint64_t start = home & ~(ring::kStashRegionBytes - 1);
  ring::StashRegion* free_one = nullptr;
  for (ring::StashRegion& region : room_->regions) {
    if (region.stash != 0 && region.start == start) return &region;
    if (region.stash == 0 && free_one == nullptr) free_one = &region;
  }
  if (!make || free_one == nullptr) return nullptr;
  constexpr auto kBytes = static_cast<long>(ring::kStashRegionBytes);
  const long memory =
      raw_syscall(SYS_mmap, 0, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (failed(memory)) return nullptr;
  uffdio_register request{};
  request.range = {static_cast<uint64_t>(memory), ring::kStashRegionBytes};
  request.mode = UFFDIO_REGISTER_MODE_MISSING;
  // A forked child must not share stashed pages: the kernel moves no shared page.
  if (raw_syscall(SYS_madvise, memory, kBytes, MADV_DONTFORK) != 0 ||
      raw_syscall(SYS_ioctl, stash_fd_, static_cast<long>(UFFDIO_REGISTER), arg(&request)) != 0) {
    raw_syscall(SYS_munmap, memory, kBytes);
    return nullptr;
  }
  free_one->start = start;
  free_one->stash = static_cast<uint64_t>(memory);
  return free_one;
}

/// Address of the page in the stash, whether it is there or not; null: no region.
char* Helper::stash_of(uint64_t home, bool make) {
  ring::StashRegion* const region = region_of(home, make);
  if (region == nullptr) return nullptr;
  const uint64_t within = home - region->start, piece = within / ring::kStashPieceBytes;
  if (make) region->pieces[piece / 64] |= uint64_t{1} << piece % 64;
  return reinterpret_cast<char*>(region->stash + within);
}

/// Moves as many pages from `home` on into the stash as one call can, within 2 MiB. Returns their number; 0: the first
/// one stays.
uint64_t Helper::run_out(uint64_t home, uint64_t pages) {
  const uint64_t to_end = (ring::kStashPieceBytes - home % ring::kStashPieceBytes) / kPageBytes;
  if (pages > to_end) pages = to_end;
  char* const stash = stash_of(home, true);
  if (stash == nullptr) return 0;
  for (int i = 0; i < kTries; ++i) {
    const long moved = move(stash_fd_, arg(stash), home, pages * kPageBytes, kDontWake);
    if (moved > 0) return static_cast<uint64_t>(moved) / kPageBytes;
    if (moved != -EAGAIN) break;  // no page, pinned, shared since a fork, locked, another kind of mapping
  }
  return 0;
}

/// The same on the way back. Pages that are not in the stash count as moved. 0: the first one must be tried alone
/// (back()).
uint64_t Helper::run_back(uint64_t home, uint64_t to, uint64_t pages, uint64_t mode) {
  const uint64_t to_end = (ring::kStashPieceBytes - home % ring::kStashPieceBytes) / kPageBytes;
  if (pages > to_end) pages = to_end;
  char* const stash = stash_of(home, false);
  if (stash == nullptr) return pages;
  for (const int fd : places_)
    if (const long moved = fd < 0 ? 0 : move(fd, to, arg(stash), pages * kPageBytes, kAllowHoles | mode); moved > 0)
      return static_cast<uint64_t>(moved) / kPageBytes;
  return 0;
}

void Helper::drop(uint64_t start, uint64_t end) {
  for (uint64_t next = 0; start < end; start = next) {
    next = (start & ~(ring::kStashRegionBytes - 1)) + ring::kStashRegionBytes;
    const uint64_t bytes = (next < end ? next : end) - start;
    char* const stash = stash_of(start, false);
    if (stash != nullptr) raw_syscall(SYS_madvise, arg(stash), static_cast<long>(bytes), MADV_DONTNEED);
  }
}

/// Moves one page back. It is dropped only if the kernel says that its place is gone: nothing is registered there, so
/// the program has unmapped it, or there is another page by now.
Outcome Helper::back(uint64_t home, uint64_t to, uint64_t mode) {
  char* const stash = stash_of(home, false);
  if (stash == nullptr) return Outcome::kDone;
  bool again = false, placeless = true;
  for (int i = 0; i < kTries; ++i) {
    again = false, placeless = true;
    for (const int fd : places_) {
      if (fd < 0) continue;
      const long moved = move(fd, to, arg(stash), kPageBytes, mode);
      if (moved > 0) return Outcome::kDone;
      if (moved == -EEXIST) return drop(home, home + kPageBytes), Outcome::kDone;
      again |= moved == -EAGAIN;
      if (moved == -ESRCH) return Outcome::kDone;  // the program has ended
    }
    if (!again) break;
  }
  if (again) return Outcome::kAgain;
  // The page cannot be moved: its place has another protection or is locked, or the page is shared or pinned. Copy it.
  for (const int fd : places_) {
    if (fd < 0) continue;
    const long copied = copy(fd, to, arg(stash), mode);
    if (copied == -EFAULT) return Outcome::kDone;  // the stash has no such page
    if (copied == 0 || copied == -EEXIST) return drop(home, home + kPageBytes), Outcome::kDone;
    placeless &= copied == -ENOENT;
  }
  if (!placeless) return Outcome::kAgain;
  drop(home, home + kPageBytes);
  return Outcome::kDone;
}

/// Executes the command. `done` of the answer gets the bits of the pages that were moved.
void Helper::carry_out(const ring::StashCommand& command, int child, ring::StashAnswer* answer) {
  for (uint64_t& word : answer->done) word = 0;
  if (command.order == ring::StashOrder::kGiveToChild) return give_to_child(child);
  if (command.order == ring::StashOrder::kDrop)
    return drop(command.range[0].start, command.range[0].start + command.range[0].pages * kPageBytes);
  const bool is_out = command.order == ring::StashOrder::kOut;
  const uint64_t mode = command.order == ring::StashOrder::kBackAsleep ? kDontWake : 0;
  uint64_t bit = 0;
  for (uint32_t i = 0; i < command.ranges && i < ring::kStashRangesAtOnce; ++i) {
    const StashRange& range = command.range[i];
    if (range.pages > ring::kStashPagesAtOnce - bit) return;
    for (uint64_t page = 0; page < range.pages;) {
      const uint64_t home = range.start + page * kPageBytes;
      uint64_t run = is_out ? run_out(home, range.pages - page)
                            : run_back(home, home + command.distance, range.pages - page, mode);
      const bool done = run > 0 || (!is_out && back(home, home + command.distance, mode) == Outcome::kDone);
      if (run == 0) run = 1;
      for (uint64_t k = 0; done && k < run; ++k)
        answer->done[(bit + page + k) / 64] |= uint64_t{1} << (bit + page + k) % 64;
      page += run;
    }
    bit += range.pages;
  }
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

/// A child that was forked while pages were out misses them. It has no helper that could move pages, so it gets copies.
void Helper::give_to_child(int child) {
  for_each_piece([&](uint64_t start) {
    char* const stash = stash_of(start, false);
    for (uint64_t at = 0; at < ring::kStashPieceBytes; at += kPageBytes)
      for (int i = 0; i < kTries && copy(child, start + at, arg(stash + at), 0) == -EAGAIN; ++i) {
      }
  });
}

bool Helper::back_range(uint64_t start, uint64_t end, uint64_t distance) {
  bool all = true;
  for (uint64_t home = start; home < end;) {
    if (region_of(home, false) == nullptr) {
      home = (home & ~(ring::kStashRegionBytes - 1)) + ring::kStashRegionBytes;
      continue;
    }
    uint64_t run = run_back(home, home + distance, (end - home) / kPageBytes, 0);
    if (run == 0) {
      all &= back(home, home + distance, 0) == Outcome::kDone;
      run = 1;
    }
    home += run * kPageBytes;
  }
  return all;
}

bool Helper::back_all() {
  bool all = true;
  for_each_piece([&](uint64_t start) { all &= back_range(start, start + ring::kStashPieceBytes, 0); });
  return all;
}

void Helper::take_event(const uffd_msg& event) {
  const auto& remap = event.arg.remap;
  switch (event.event) {
    case UFFD_EVENT_REMOVE:
      drop(event.arg.remove.start, event.arg.remove.end);
      break;
    case UFFD_EVENT_REMAP:
      for (int i = 0; i < kTries && !back_range(remap.from, remap.from + remap.len, remap.to - remap.from); ++i) {
      }
      break;
    case UFFD_EVENT_FORK:
      give_to_child(static_cast<int>(event.arg.fork.ufd));
      raw_syscall(SYS_close, event.arg.fork.ufd);
      break;
    default:
      break;  // UFFD_EVENT_UNMAP: back_all() finds that the place is gone
  }
}

/// Whether the stash has the page, from the page table: it may be on this machine's swap device.
bool Helper::holds(uint64_t home) {
  char* const stash = stash_of(home, false);
  if (stash == nullptr) return false;
  uint64_t entry = ~uint64_t{0};
  if (pagemap_ < 0)
    pagemap_ = static_cast<int>(raw_syscall(SYS_openat, AT_FDCWD, arg("/proc/self/pagemap"), O_RDONLY | O_CLOEXEC));
  raw_syscall(SYS_pread64, pagemap_, arg(&entry), sizeof entry, arg(stash) / static_cast<long>(kPageBytes) * 8);
  return entry >> 62 != 0;
}

/// Lets the kernel fill the page. Not if its content is in the stash, unless `at_last`: no event could be read for 2 s,
/// which only locked memory can cause. Of locked memory nothing is out, so the stash's page is of memory that is gone.
void Helper::let_go(uint64_t page, bool at_last) {
  if (!at_last && holds(page)) return;
  drop(page, page + kPageBytes);
  uffdio_range range{page, kPageBytes};
  for (const int fd : places_)
    if (fd >= 0) raw_syscall(SYS_ioctl, fd, static_cast<long>(UFFDIO_UNREGISTER), arg(&range));
}

void Helper::take_unread_events(int tries) {
  for (const int fd : places_) {
    uffd_msg event;
    while (fd >= 0 && raw_syscall(SYS_read, fd, arg(&event), sizeof event) == static_cast<long>(sizeof event)) {
      if (event.event != UFFD_EVENT_PAGEFAULT)
        take_event(event);
      else if (tries >= kPatience)
        let_go(event.arg.pagefault.address & ~(kPageBytes - 1), tries >= kLastPatience);
    }
  }
}

/// Moves all pages back without a recorder. An unread event holds its thread and prevents moves (EAGAIN), so events are
/// read here. Threads that wait for other pages go on when this task ends, which closes the userfaultfds.
void Helper::restore() {
  constexpr timespec kRest{0, 1'000'000};
  uffdio_range everything{1 << 16, (uint64_t{1} << 47) - (2 << 16)};
  for (const uffd_msg& event : room_->events)
    if (event.event != UFFD_EVENT_FORK) take_event(event);  // the child's descriptor was in the recorder
  for (int tries = 0;; ++tries) {
    if (raw_syscall(SYS_getppid) != static_cast<long>(room_->guest)) return;  // the program has ended
    // An mremap() that populates locked memory waits for a fault before its event can be read, and until then nothing
    // moves. The page it waits for is let go. The recorder may have read that fault already: a wake-up makes it come
    // again.
    if (tries >= kPatience)
      for (const int fd : places_)
        if (fd >= 0) raw_syscall(SYS_ioctl, fd, static_cast<long>(UFFDIO_WAKE), arg(&everything));
    take_unread_events(tries);
    if (back_all()) break;
    raw_syscall(SYS_nanosleep, arg(&kRest), 0);
  }
  room_->holds.store(0);
  for (ring::StashRegion& region : room_->regions) {
    if (region.stash == 0) continue;
    raw_syscall(SYS_munmap, static_cast<long>(region.stash), static_cast<long>(ring::kStashRegionBytes));
    region = {};
  }
}

/// Closes all descriptors of the guest, blocks signals, and leaves the guest's process group, whose kill would reach
/// it. Then opens its own descriptors and says hello. False: failed.
bool Helper::begin() {
  const uint64_t all = ~uint64_t{0};
  raw_syscall(SYS_rt_sigprocmask, SIG_BLOCK, arg(&all), 0, sizeof all);
  if (failed(raw_syscall(SYS_close_range, 0, ~0u, 0))) return false;
  static constexpr char kRoot[] = "/";
  raw_syscall(SYS_chdir, arg(kRoot));
  raw_syscall(SYS_setsid);
  raw_syscall(SYS_prctl, PR_SET_NAME, arg(ring::kStashHelperName), 0, 0, 0);
  socket_ = static_cast<int>(raw_syscall(SYS_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  stash_fd_ = static_cast<int>(raw_syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY));
  if (socket_ < 0 || stash_fd_ < 0) return false;
  uffdio_api api{};
  api.api = UFFD_API;
  api.features = ring::kUffdFeatureMove;
  if (raw_syscall(SYS_ioctl, stash_fd_, static_cast<long>(UFFDIO_API), arg(&api)) != 0) return false;
  if (raw_syscall(SYS_connect, socket_, arg(room_->address), room_->address_bytes) != 0) return false;
  ring::Request hello;
  hello.kind = ring::RequestKind::kHelloStash;
  hello.pid = room_->guest;
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
  int* next = places_;
  ring::for_each_descriptor(message, [&](int descriptor) {
    if (next < places_ + 2) *next++ = descriptor;
  });
  return reply.magic == ring::kMagic && reply.status == ring::ReplyStatus::kTracked && places_[0] >= 0;
}

int be_stash_helper(void* room) { Helper(static_cast<ring::StashRoom*>(room)).run(); }

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
