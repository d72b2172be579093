// What does the library do inside the guest when it is loaded, forked or asked to leave? It keeps in touch with the
// recorder: says hello with a userfaultfd, asks for memory to be registered, and falls silent when nobody answers.
#include "preload/inject/agent.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

#include "preload/inject/raw_syscall.h"
#include "preload/inject/real_libc.h"

#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif
#ifndef USERFAULTFD_IOC_NEW
#define USERFAULTFD_IOC_NEW 0xaa00
#endif

extern "C" {
extern void* __curbrk __attribute__((weak));  // glibc's own record of the break: cheaper to read than to ask the kernel
extern int on_exit(void (*)(int, void*), void*);
}

namespace oomcast::inject {

__thread ThreadState thread_state;
std::atomic<bool> agent_tracking{false};
std::atomic<uint32_t> agent_hello_due{0};
std::atomic<uintptr_t> agent_known_break{0};
std::atomic<bool> agent_without_huge_pages{false};
ring::SharedArea* agent_shared = nullptr;

namespace {

constexpr int kHighDescriptor = 900;
int socket_fd = -1;
uint64_t socket_inode = 0;
std::atomic<int> request_lock{0};
int64_t sample_bytes = 0;
uint32_t own_pid = 0;
sockaddr_un recorder_address;
socklen_t recorder_address_length = 0;

/// One thread asks at a time. Gives up after two seconds: a lock lost to a killed vfork child must not stop the guest.
bool lock_requests() {
  for (int tries = 0; tries < 200; ++tries) {
    int expected = 0;
    if (request_lock.compare_exchange_strong(expected, 1, std::memory_order_acquire)) return true;
    const timespec wait{0, 10'000'000};
    raw_syscall(SYS_futex, arg(&request_lock), FUTEX_WAIT_PRIVATE, 1, arg(&wait));
  }
  return false;
}

void unlock_requests() {
  request_lock.store(0, std::memory_order_release);
  raw_syscall(SYS_futex, arg(&request_lock), FUTEX_WAKE_PRIVATE, 1);
}

/// Programs close or reuse descriptors that they do not know: look before writing into one.
bool socket_is_ours() {
  struct stat status;
  return socket_fd >= 0 && own_syscall(SYS_fstat, socket_fd, arg(&status)) == 0 && status.st_ino == socket_inode;
}

void remember_socket(int fd) {
  // High up, where shells and daemons rarely close or reuse a descriptor.
  long high = -1;
  for (int lowest = kHighDescriptor; lowest > 16 && high < 0; lowest /= 2) high = own_syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, lowest);
  if (high >= 0) {
    raw_syscall(SYS_close, fd);
    fd = static_cast<int>(high);
  }
  socket_fd = fd;
  struct stat status;
  socket_inode = own_syscall(SYS_fstat, fd, arg(&status)) == 0 ? status.st_ino : 0;
}

/// Reads 1 here, and 0 in a copy of this process that no fork handler has seen (clone, _Fork, syscall(SYS_fork)).
const volatile char* copy_mark = nullptr;

void make_copy_mark() {
  const long page = own_syscall(SYS_mmap, 0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page < 0 && page > -4096) return;
  char* const mark = reinterpret_cast<char*>(page);
  if (raw_syscall(SYS_madvise, page, 4096, MADV_WIPEONFORK) != 0) {
    raw_syscall(SYS_munmap, page, 4096);
    return;
  }
  *mark = 1;
  copy_mark = mark;
}

bool connect_socket() {
  if (recorder_address_length == 0) return false;
  const long fd = own_syscall(SYS_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  if (own_syscall(SYS_connect, fd, arg(&recorder_address), recorder_address_length) != 0) {
    raw_syscall(SYS_close, fd);
    return false;
  }
  remember_socket(static_cast<int>(fd));
  return true;
}

int open_userfaultfd(int* error, bool* user_mode_only) {
  *user_mode_only = false;
  // The system call first: it is the one that a recorder's privileges were probed with.
  long fd = own_syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
  if (fd >= 0) return static_cast<int>(fd);
  *error = static_cast<int>(-fd);
  const long device = own_syscall(SYS_openat, AT_FDCWD, arg("/dev/userfaultfd"), O_RDWR | O_CLOEXEC);
  if (device >= 0) {
    fd = own_syscall(SYS_ioctl, device, USERFAULTFD_IOC_NEW, O_CLOEXEC | O_NONBLOCK);
    raw_syscall(SYS_close, device);
    if (fd >= 0) {
      *error = 0;
      return static_cast<int>(fd);
    }
  }
  // Allowed to everybody; the recorder must not hold faults with it.
  fd = own_syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);
  *user_mode_only = fd >= 0;
  return fd >= 0 ? static_cast<int>(fd) : -1;
}

/// A userfaultfd for the heap and one for all else; the latter's is the one that has to be there.
struct FaultDescriptors {
  int all = -1, heap = -1;

  int open(bool* user_mode_only) {
    int error = 0;
    bool ignored_mode = false;
    int ignored_error = 0;
    all = open_userfaultfd(&error, user_mode_only);
    if (all >= 0) heap = open_userfaultfd(&ignored_error, &ignored_mode);
    return error;
  }
  void close() {
    for (int* fd : {&all, &heap}) {
      if (*fd >= 0) raw_syscall(SYS_close, *fd);
      *fd = -1;
    }
  }
};

bool send_request(const ring::Request& request, const FaultDescriptors& descriptors = {}) {
  iovec io{const_cast<ring::Request*>(&request), sizeof request};
  alignas(cmsghdr) char control[CMSG_SPACE(2 * sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &io;
  message.msg_iovlen = 1;
  if (descriptors.all >= 0) {
    const int both[] = {descriptors.all, descriptors.heap};
    const size_t bytes = (descriptors.heap >= 0 ? 2 : 1) * sizeof(int);
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(bytes);
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(bytes);
    memcpy(CMSG_DATA(header), both, bytes);
  }
  long sent;
  do sent = own_syscall(SYS_sendmsg, socket_fd, arg(&message), MSG_NOSIGNAL);
  while (sent == -EINTR);
  return sent == static_cast<long>(sizeof request);
}

bool receive_reply(ring::Reply* reply, int* descriptor) {
  iovec io{reply, sizeof *reply};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &io;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  long got;
  // A recorder that dies closes its end: then this returns 0, so the guest is never left waiting.
  do got = own_syscall(SYS_recvmsg, socket_fd, arg(&message), MSG_CMSG_CLOEXEC);
  while (got == -EINTR);
  // The question is out all the same. Its memory must not be registered under our hands, in part of what is mapped there
  // by then (mremap() fails on that): wait until the answer, or a hang-up, shows that it has been dealt with.
  if (got < 0) {
    pollfd answered{socket_fd, POLLIN, 0};
    const timespec patience{2, 0};
    raw_syscall(SYS_ppoll, arg(&answered), 1, arg(&patience), 0, 0);
  }
  *descriptor = -1;
  if (cmsghdr* header = CMSG_FIRSTHDR(&message); got >= 0 && header && header->cmsg_type == SCM_RIGHTS)
    memcpy(descriptor, CMSG_DATA(header), sizeof *descriptor);
  return got == static_cast<long>(sizeof *reply) && reply->magic == ring::kMagic;
}

void stop_tracking() {
  agent_tracking.store(false, std::memory_order_release);
  if (socket_is_ours()) raw_syscall(SYS_close, socket_fd);
  socket_fd = -1;
}

/// The first exchange of a process. On success tracking is on and the memory that exists is registered.
bool say_hello(ring::RequestKind kind, uint64_t parent) {
  ring::Request request;
  request.kind = kind;
  request.pid = own_pid;
  request.tid = current_tid();
  request.argument = parent;
  request.address = reinterpret_cast<uint64_t>(&__curbrk ? __curbrk : nullptr);
  FaultDescriptors faults;
  if (kind != ring::RequestKind::kHelloAgain) {
    bool user_mode_only = false;
    request.userfaultfd_errno = faults.open(&user_mode_only);
    request.flags = user_mode_only ? ring::kUserModeOnly : 0;
  }
  const bool sent = send_request(request, faults);
  // No copy stays here: when the recorder dies, the kernel then lets every waiting thread go.
  faults.close();
  ring::Reply reply;
  int area = -1;
  bool answered = sent && receive_reply(&reply, &area);
  if (answered && reply.status == ring::ReplyStatus::kTakeDevice && area >= 0) {
    // We have dropped a privilege that the recorder still has: its /dev/userfaultfd makes one for our memory.
    for (int* fd : {&faults.all, &faults.heap}) *fd = static_cast<int>(own_syscall(SYS_ioctl, area, USERFAULTFD_IOC_NEW, O_CLOEXEC | O_NONBLOCK));
    raw_syscall(SYS_close, area);
    area = -1;
    bool user_mode_only = false;
    request.userfaultfd_errno = faults.all < 0 ? faults.open(&user_mode_only) : 0;
    request.flags = ring::kTriedDevice | (user_mode_only ? ring::kUserModeOnly : 0);
    answered = send_request(request, faults);
    faults.close();
    answered = answered && receive_reply(&reply, &area);
  }
  if (!answered || reply.status != ring::ReplyStatus::kTracked) {
    if (area >= 0) raw_syscall(SYS_close, area);
    stop_tracking();
    return false;
  }
  if (area >= 0) {
    if (reply.shared_bytes >= sizeof(ring::SharedArea)) {
      const long mapped = own_syscall(SYS_mmap, 0, static_cast<long>(sizeof(ring::SharedArea)), PROT_READ | PROT_WRITE, MAP_SHARED, area, 0);
      if (mapped > 0 || mapped < -4095) agent_shared = reinterpret_cast<ring::SharedArea*>(mapped);
    }
    raw_syscall(SYS_close, area);
  }
  if (agent_shared == nullptr) {
    stop_tracking();
    return false;
  }
  sample_bytes = static_cast<int64_t>(reply.stack_sample_bytes);
  agent_known_break.store(reinterpret_cast<uintptr_t>(&__curbrk ? __curbrk : nullptr), std::memory_order_relaxed);
  agent_without_huge_pages.store(reply.polled != 0, std::memory_order_relaxed);
  // Memory under userfaultfd gets no huge pages; polled memory must not either, or a touch would look like 512.
  if (reply.polled != 0) own_syscall(SYS_prctl, PR_SET_THP_DISABLE, 1, 0, 0, 0);
  agent_tracking.store(true, std::memory_order_release);
  return true;
}

constexpr int kCallsBeforeHello = 64;
constexpr size_t kBytesBeforeHello = 64 << 10;
int calls_before_hello = 0;

void leave_area() {
  if (agent_shared != nullptr) raw_syscall(SYS_munmap, arg(agent_shared), static_cast<long>(sizeof(ring::SharedArea)));
  agent_shared = nullptr;
}

void before_fork() {
  tracking();  // the recorder has to know a child's parent
  ++thread_state.inside;
}
void after_fork_in_parent() { --thread_state.inside; }

void after_fork_in_child() {
  // Only this thread exists here. The parent's socket and ring are the parent's: leave them, start anew.
  const bool was_tracking = tracking_now();
  const bool may_wait = was_tracking && !asks_before_use();
  const uint32_t parent = own_pid;
  agent_tracking.store(false, std::memory_order_relaxed);
  request_lock.store(0, std::memory_order_relaxed);
  own_pid = static_cast<uint32_t>(raw_syscall(SYS_getpid));
  thread_state.tid = 0;
  thread_state.file_bytes = 0;  // the parent will tell
  if (socket_is_ours()) raw_syscall(SYS_close, socket_fd);
  socket_fd = -1;
  agent_hello_due.store(may_wait ? parent : 0, std::memory_order_relaxed);
  calls_before_hello = kCallsBeforeHello;
  if (!may_wait) leave_area();
  if (was_tracking && !may_wait) {
    SignalsHeld held;
    if (connect_socket()) say_hello(ring::RequestKind::kHelloForked, parent);
  }
  if (copy_mark != nullptr) *const_cast<volatile char*>(copy_mark) = 1;
  thread_state.inside = 0;
}

void at_exit(int status, void*) { say_exiting(status); }

/// OOMCAST_SOCKET=@name (abstract) or a path.
bool read_address(const char* text) {
  const size_t length = strlen(text);
  if (length < 2 || length >= sizeof recorder_address.sun_path) return false;
  recorder_address.sun_family = AF_UNIX;
  memcpy(recorder_address.sun_path, text, length);
  if (text[0] == '@') recorder_address.sun_path[0] = '\0';
  recorder_address_length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length + (text[0] == '@' ? 0 : 1));
  return true;
}

__attribute__((constructor(101))) void start() {
  resolve_real_libc();
  // A setuid program must not be influenced by its caller; AddressSanitizer owns the address space.
  if (getauxval(AT_SECURE) != 0 || dlsym(RTLD_DEFAULT, "__asan_init") != nullptr || dlsym(RTLD_DEFAULT, "__tsan_init") != nullptr) return;
  const int saved_errno = errno;
  ++thread_state.inside;
  own_pid = static_cast<uint32_t>(raw_syscall(SYS_getpid));
  bool connected = false;
  bool first = false;
  if (const char* address = getenv("OOMCAST_SOCKET")) {
    connected = read_address(address) && connect_socket();
  } else if (const int fd = spawn_recorder(); fd >= 0) {
    remember_socket(fd);
    connected = first = true;
  }
  if (connected) {
    SignalsHeld held;
    connected = say_hello(ring::RequestKind::kHello, static_cast<uint64_t>(raw_syscall(SYS_getppid)));
  }
  if (connected) {
    make_copy_mark();
    if (first) read_address(getenv("OOMCAST_SOCKET") ? getenv("OOMCAST_SOCKET") : "");
    thread_state.sample_left = sample_bytes;  // many programs end before their first sample
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
    on_exit(at_exit, nullptr);
  }
  --thread_state.inside;
  errno = saved_errno;
}

}  // namespace

/// A child that has kept its hello back and leaves: has it touched so much that it has to be heard after all?
static bool touched_much() {
  constexpr long kFaults = 256;
  rusage used{};
  return agent_hello_due.load(std::memory_order_relaxed) != 0 && raw_syscall(SYS_getrusage, RUSAGE_SELF, arg(&used)) == 0 && used.ru_minflt >= kFaults;
}

void say_exiting(int status) {
  if (tracking_now() || touched_much()) agent_request(ring::RequestKind::kExiting, 0, 0, static_cast<uint64_t>(static_cast<int64_t>(status)), 0);
}

bool say_due_hello() {
  // A vfork child has this memory too, and is not the one that the hello is due from.
  if (thread_state.inside > 0 || !in_own_process()) return false;
  const uint32_t parent = agent_hello_due.exchange(0);
  if (parent == 0) return false;
  const int saved_errno = errno;
  ++thread_state.inside;
  leave_area();
  bool heard;
  {
    SignalsHeld held;
    heard = connect_socket() && say_hello(ring::RequestKind::kHelloForked, parent);
  }
  --thread_state.inside;
  errno = saved_errno;
  return heard;
}

void hello_may_wait(size_t bytes) {
  if (agent_hello_due.load(std::memory_order_relaxed) != 0 && (--calls_before_hello < 0 || bytes >= kBytesBeforeHello)) say_due_hello();
}

uint32_t current_tid() {
  if (__builtin_expect(thread_state.tid == 0, 0)) thread_state.tid = static_cast<uint32_t>(raw_syscall(SYS_gettid));
  return thread_state.tid;
}

bool in_own_process() { return static_cast<uint32_t>(raw_syscall(SYS_getpid)) == own_pid; }

bool agent_request(ring::RequestKind kind, uint64_t address, uint64_t bytes, uint64_t argument, uint64_t flags) {
  if (!tracking() || thread_state.inside > 0) return false;
  if (copy_mark != nullptr && *copy_mark == 0) {
    ++thread_state.inside;
    after_fork_in_child();
    if (!tracking()) return false;
  }
  if (thread_state.file_bytes != 0) flush_file_note();
  ++thread_state.inside;
  thread_state.refused = false;
  bool answered = false;
  {
    SignalsHeld held;
    if (lock_requests()) {
      bool ready = tracking();
      if (ready && !socket_is_ours()) {
        // closefrom() or a daemon's clean-up took the socket: call again.
        ready = connect_socket() && say_hello(ring::RequestKind::kHelloAgain, 0);
        if (!ready) agent_tracking.store(false, std::memory_order_release);
      }
      if (ready) {
        ring::Request request;
        request.kind = kind;
        request.pid = own_pid;
        request.tid = current_tid();
        request.address = address;
        request.bytes = bytes;
        request.argument = argument;
        request.flags = flags;
        ring::Reply reply;
        int descriptor = -1;
        answered = send_request(request) && receive_reply(&reply, &descriptor);
        if (descriptor >= 0) raw_syscall(SYS_close, descriptor);
        thread_state.refused = answered && reply.status == ring::ReplyStatus::kRefused;
        if (!answered || reply.status == ring::ReplyStatus::kStayOut) stop_tracking();
      }
      unlock_requests();
    }
  }
  --thread_state.inside;
  return answered;
}

static void note_of(uint32_t tid, trace::EventKind kind, uint64_t address, uint64_t bytes, uint64_t argument, uint8_t flags) {
  if (!tracking() || thread_state.inside > 0) return;
  if (thread_state.file_bytes != 0) flush_file_note();
  trace::Event event;
  event.kind = kind;
  event.tid = tid;
  event.address = address;
  event.bytes = bytes;
  event.argument = argument;
  event.flags = flags;
  agent_shared->ring.try_push(event);
}

void agent_note(trace::EventKind kind, uint64_t address, uint64_t bytes, uint64_t argument, uint8_t flags) {
  if (tracking()) note_of(current_tid(), kind, address, bytes, argument, flags);
}

void agent_note_setting(trace::EventKind kind, uint32_t tid, uint64_t address, uint64_t bytes, uint64_t argument, uint8_t flags) {
  if (tracking() && in_own_process()) note_of(tid, kind, address, bytes, argument, flags);
}

void agent_note_sensitive(ring::Sensitive what) {
  if (tracking() && thread_state.inside == 0) agent_shared->sensitive.fetch_or(uint64_t{1} << static_cast<uint32_t>(what), std::memory_order_relaxed);
}

bool after_allocation_slow(uintptr_t address, size_t bytes) {
  return !(agent_request(ring::RequestKind::kUnknownPage, address, bytes, 0, 0) && thread_state.refused);
}

/// Takes the break as it is for known. False: another thread has done so. `before` gets what was known.
static bool take_break(uintptr_t* before, uintptr_t* now) {
  *before = agent_known_break.load(std::memory_order_relaxed);
  do {
    *now = reinterpret_cast<uintptr_t>(&__curbrk ? __curbrk : nullptr);
    if (*now == *before) return false;
  } while (!agent_known_break.compare_exchange_weak(*before, *now, std::memory_order_relaxed));
  return *before != 0;
}

bool after_break_moved() {
  uintptr_t before, now;
  if (!take_break(&before, &now)) return true;
  if (now < before) {
    // Nobody waits for this: glibc gives its heap back page by page.
    if (tracking()) agent_shared->break_fell.store(now, std::memory_order_release);
    return true;
  }
  // The break was read before this word: if it says no, the sweep that follows its change sees what has grown.
  std::atomic_signal_fence(std::memory_order_seq_cst);
  if (!tracking() || !asks_before_use(now - before)) return true;
  const bool answered = agent_request(ring::RequestKind::kBreakMoved, before, now - before, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
  return !(answered && thread_state.refused);
}

int64_t agent_sample_bytes() { return sample_bytes; }

}  // namespace oomcast::inject
