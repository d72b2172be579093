// Connects a process to its recorder: it says hello with a userfaultfd, maps the shared area, and closes every
// descriptor that it opened for that. A program that lists, closes or counts its descriptors finds only its own.
#include "preload/inject/connection.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/wait.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <utility>

#include "preload/inject/give_way.h"
#include "preload/inject/raw_syscall.h"
#include "preload/ring/descriptors.h"
#include "preload/ring/userfaultfd_names.h"

extern "C" {
extern void* __curbrk __attribute__((weak));
}

namespace oomcast::inject {

uint32_t own_pid = 0;
ring::Doorbell* agent_doorbell = nullptr;
ring::SharedArea* agent_shared = nullptr;
bool lacks_descriptors = false;

namespace {

int64_t sample_bytes = 0;
sockaddr_un recorder_address;
socklen_t recorder_address_length = 0;

/// Owns a descriptor for a scope.
class Descriptor {
 public:
  explicit Descriptor(long fd = -1) : fd_(static_cast<int>(fd)) {}
  ~Descriptor() { close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  void take(long fd) {
    close();
    fd_ = static_cast<int>(fd);
  }
  void close() {
    if (fd_ >= 0) raw_syscall(SYS_close, fd_);
    fd_ = -1;
  }

 private:
  int fd_;
};

/// A socket, or a negative errno.
long connect_to_recorder() {
  if (recorder_address_length == 0) return -ENOENT;
  const long fd = own_syscall(SYS_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (fd < 0) return fd;
  const long result = own_syscall(SYS_connect, fd, arg(&recorder_address), recorder_address_length);
  if (result == 0) return fd;
  raw_syscall(SYS_close, fd);
  return result;
}

/// A hello needs three descriptors at a time: the socket, and two that are sent or received.
bool has_room_for_two_more(const Descriptor& socket) {
  const Descriptor first(raw_syscall(SYS_fcntl, socket.get(), F_DUPFD_CLOEXEC, 0));
  const Descriptor second(raw_syscall(SYS_fcntl, socket.get(), F_DUPFD_CLOEXEC, 0));
  return first.valid() && second.valid();
}

int open_userfaultfd(int* error, bool* user_mode_only) {
  *user_mode_only = false;
  // The system call comes first: the recorder has probed its own privileges with it.
  long fd = own_syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
  if (fd >= 0) return static_cast<int>(fd);
  *error = static_cast<int>(-fd);
  if (const Descriptor device(own_syscall(SYS_openat, AT_FDCWD, arg("/dev/userfaultfd"), O_RDWR | O_CLOEXEC));
      device.valid()) {
    fd = own_syscall(SYS_ioctl, device.get(), USERFAULTFD_IOC_NEW, O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0) {
      *error = 0;
      return static_cast<int>(fd);
    }
  }
  // UFFD_USER_MODE_ONLY needs no privilege. The recorder must not hold faults with it: faults in the kernel would fail.
  fd = own_syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);
  *user_mode_only = fd >= 0;
  return fd >= 0 ? static_cast<int>(fd) : -1;
}

/// A userfaultfd for the heap, and one for all other memory. The heap's may be missing.
struct FaultDescriptors {
  Descriptor all, heap;

  void open(ring::Request* hello) {
    bool user_mode_only = false, ignored_mode = false;
    int error = 0, ignored_error = 0;
    all.take(open_userfaultfd(&error, &user_mode_only));
    if (all.valid()) heap.take(open_userfaultfd(&ignored_error, &ignored_mode));
    hello->userfaultfd_errno = error;
    hello->flags |= user_mode_only ? ring::kUserModeOnly : 0;
  }
  /// For a process that has dropped a privilege of the recorder: makes both through the recorder's /dev/userfaultfd.
  void open_through(const Descriptor& device, ring::Request* hello) {
    for (Descriptor* fd : {&all, &heap})
      fd->take(own_syscall(SYS_ioctl, device.get(), USERFAULTFD_IOC_NEW, O_CLOEXEC | O_NONBLOCK));
    hello->flags |= ring::kTriedDevice;
    hello->userfaultfd_errno = 0;
    if (!all.valid()) open(hello);
  }
};

/// Sends the hello and closes the descriptors here. Then the recorder has the only ones: if it dies, the kernel
/// releases all waiting threads.
bool send_hello(int socket, const ring::Request& request, FaultDescriptors* faults) {
  iovec io{const_cast<ring::Request*>(&request), sizeof request};
  alignas(cmsghdr) char control[CMSG_SPACE(2 * sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &io;
  message.msg_iovlen = 1;
  if (faults->all.valid()) {
    const int both[] = {faults->all.get(), faults->heap.get()};
    ring::attach_descriptors(&message, control, both, faults->heap.valid() ? 2 : 1);
  }
  long sent;
  do sent = own_syscall(SYS_sendmsg, socket, arg(&message), MSG_NOSIGNAL);
  while (sent == -EINTR);
  faults->all.close();
  faults->heap.close();
  return sent == static_cast<long>(sizeof request);
}

/// `first` and `second` take the descriptors of the reply: shared area and doorbell, or a device.
bool receive_reply(int socket, ring::Reply* reply, Descriptor* first, Descriptor* second) {
  iovec io{reply, sizeof *reply};
  alignas(cmsghdr) char control[CMSG_SPACE(2 * sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &io;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  long got;
  // If the recorder dies, its end is closed and recvmsg() returns 0: the guest never waits for ever.
  do got = own_syscall(SYS_recvmsg, socket, arg(&message), MSG_CMSG_CLOEXEC);
  while (got == -EINTR);
  Descriptor* next = first;
  if (got >= 0)
    ring::for_each_descriptor(message, [&](int descriptor) { std::exchange(next, second)->take(descriptor); });
  return got == static_cast<long>(sizeof *reply) && reply->magic == ring::kMagic;
}

/// `place`: the memory there is replaced; null: the kernel chooses.
template <class T>
T* map_shared(const Descriptor& memory, T* place = nullptr) {
  if (!memory.valid()) return nullptr;
  const long mapped = own_syscall(SYS_mmap, arg(place), static_cast<long>(sizeof(T)), PROT_READ | PROT_WRITE,
                                  MAP_SHARED | (place != nullptr ? MAP_FIXED : 0), memory.get(), 0);
  return failed(mapped) ? nullptr : reinterpret_cast<T*>(mapped);
}

}  // namespace

bool set_recorder_address(const char* text) {
  const size_t length = strlen(text);
  if (length < 2 || length >= sizeof recorder_address.sun_path) return false;
  recorder_address.sun_family = AF_UNIX;
  memcpy(recorder_address.sun_path, text, length);
  if (text[0] == '@') recorder_address.sun_path[0] = '\0';
  recorder_address_length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length + (text[0] == '@' ? 0 : 1));
  return true;
}

bool copy_recorder_address(char* to, size_t room, uint32_t* bytes) {
  if (recorder_address_length == 0 || recorder_address_length > room) return false;
  memcpy(to, &recorder_address, recorder_address_length);
  *bytes = recorder_address_length;
  return true;
}

uintptr_t current_break() { return reinterpret_cast<uintptr_t>(&__curbrk ? __curbrk : nullptr); }

namespace {

/// The exchange over a connected socket. True: the areas are mapped and tracking is on.
bool exchange_hello(const Descriptor& socket, ring::Request hello) {
  hello.address = current_break();
  FaultDescriptors faults;
  if (memory_may_be_registered())
    faults.open(&hello);
  else
    hello.flags |= ring::kTriedDevice;
  ring::Reply reply;
  Descriptor area, bell;
  bool answered = send_hello(socket.get(), hello, &faults) && receive_reply(socket.get(), &reply, &area, &bell);
  if (answered && reply.status == ring::ReplyStatus::kTakeDevice && area.valid()) {
    faults.open_through(area, &hello);
    area.close();
    answered = send_hello(socket.get(), hello, &faults) && receive_reply(socket.get(), &reply, &area, &bell);
  }
  if (!answered || reply.status != ring::ReplyStatus::kTracked || reply.shared_bytes < sizeof(ring::SharedArea))
    return false;
  if (agent_doorbell == nullptr) agent_doorbell = map_shared<ring::Doorbell>(bell);
  if (agent_doorbell == nullptr) return false;
  // At the place of the parent's area: a hook that a signal handler has interrupted with a fork() goes on there.
  ring::SharedArea* const shared = map_shared(area, agent_shared);
  if (shared == nullptr) return false;
  if (agent_robust_mutexes.load(std::memory_order_relaxed)) shared->robust_mutexes.store(1, std::memory_order_relaxed);
  agent_shared = shared;
  sample_bytes = static_cast<int64_t>(reply.stack_sample_bytes);
  agent_known_break.store(current_break(), std::memory_order_relaxed);
  agent_guest_without_huge_pages.store(reply.huge_pages_off != 0, std::memory_order_relaxed);
  // Memory registered with a userfaultfd gets no huge pages; polled memory must get none either. The guest's own
  // setting was stored before: a child has its parent's.
  if (reply.polled != 0) switch_huge_pages_off();
  agent_tracking.store(true, std::memory_order_release);
  return true;
}

struct HelperCall {
  ring::Request hello;
  bool answered = false;
};

/// In the helper: it has this memory, but its own descriptor table and limits.
int be_helper(void* data) {
  auto* const call = static_cast<HelperCall*>(data);
  constexpr uint64_t kEnough = 16;
  struct {
    uint64_t soft, hard;
  } limit{};
  if (failed(raw_syscall(SYS_close_range, 0, ~0u, 0)))
    for (uint64_t fd = 0; fd < kEnough; ++fd) raw_syscall(SYS_close, static_cast<long>(fd));
  if (raw_syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, arg(&limit)) == 0 && limit.soft < kEnough) {
    limit.soft = kEnough;
    limit.hard = limit.hard < kEnough ? kEnough : limit.hard;
    if (raw_syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, arg(&limit), 0) != 0 &&
        raw_syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, arg(&limit)) == 0) {
      limit.soft = limit.hard;
      raw_syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, arg(&limit), 0);
    }
  }
  const Descriptor socket(connect_to_recorder());
  if (socket.valid() && has_room_for_two_more(socket)) call->answered = exchange_hello(socket, call->hello);
  return 0;
}

/// For a process without a free descriptor: a task with the same memory says hello, while this process waits. As in
/// spawn_recorder.cc, the guest's wait() does not see the task, since it sends no signal at its end.
bool say_hello_by_helper(const ring::Request& hello) {
  alignas(16) static char stack[16 << 10];
  HelperCall call{hello, false};
  call.hello.flags |= ring::kByHelper;
  const int helper = ::clone(be_helper, stack + sizeof stack, CLONE_VM | CLONE_VFORK, &call);
  if (helper <= 0) return false;
  while (raw_syscall(SYS_wait4, helper, 0, __WALL, 0) == -EINTR) {
  }
  return call.answered;
}

}  // namespace

bool say_hello(ring::RequestKind kind, uint64_t parent, int given_socket) {
  ring::Request hello;
  hello.kind = kind;
  hello.pid = own_pid;
  hello.tid = current_tid();
  hello.argument = parent;
  const long fd = given_socket >= 0 ? given_socket : connect_to_recorder();
  lacks_descriptors = fd == -EMFILE;
  if (fd < 0 && !lacks_descriptors) return false;
  {
    const Descriptor socket(fd);
    if (given_socket >= 0 || (socket.valid() && has_room_for_two_more(socket))) return exchange_hello(socket, hello);
  }
  lacks_descriptors = !say_hello_by_helper(hello);
  return !lacks_descriptors;
}

void switch_huge_pages_off() {
  agent_without_huge_pages.store(true, std::memory_order_relaxed);
  own_syscall(SYS_prctl, PR_SET_THP_DISABLE, 1, 0, 0, 0);
}

void leave_area() {
  // Not unmapped: a hook that a signal handler has interrupted with a fork() goes on in it.
  if (agent_shared != nullptr)
    raw_syscall(SYS_mmap, arg(agent_shared), static_cast<long>(sizeof(ring::SharedArea)), PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
}

int64_t agent_sample_bytes() { return sample_bytes; }

}  // namespace oomcast::inject
