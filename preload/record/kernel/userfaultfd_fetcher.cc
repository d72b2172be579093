// UserfaultfdFetcher: has a second process open a userfaultfd inside a program.
#include "preload/record/kernel/userfaultfd_fetcher.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "preload/record/kernel/clocks.h"
#include "preload/record/kernel/descriptor_message.h"
#include "preload/record/kernel/inside_program.h"
#include "preload/record/kernel/kernel_text.h"
#include "preload/record/kernel/living_thread.h"
#include "preload/record/kernel/proc_file.h"
#include "preload/record/kernel/proc_maps.h"
#include "preload/record/kernel/second_process.h"
#include "preload/record/kernel/userfaultfd.h"
#include "preload/ring/descriptors.h"

namespace oomcast::record {
namespace {

constexpr uint64_t kStopPatienceNs = 60'000'000;  // longer than a busy machine keeps a thread waiting for a CPU
constexpr int kAnswerPatienceMs = 250, kStartPatienceMs = 5'000;
constexpr size_t kThreadsMost = 3;  // threads of the program that are tried

struct Answer {
  int error = 0;
  uint64_t stopped_ns = 0;
};

/// The order for the second process. That process may not allocate.
struct Order {
  Lender lender;
  std::array<pid_t, kThreadsMost> threads{};
  size_t thread_count = 0;
};

/// Receives a T, and a descriptor if asked for. False: nothing has come in time, or the other end is closed.
template <class T>
bool receive_from(int socket, int patience_ms, T* data, UniqueFd* descriptor = nullptr) {
  pollfd ready{socket, POLLIN, 0};
  int got;
  do got = ::poll(&ready, 1, patience_ms);
  while (got < 0 && errno == EINTR);
  iovec content{data, sizeof *data};
  msghdr message{};
  message.msg_iov = &content;
  message.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  message.msg_control = control;
  message.msg_controllen = descriptor != nullptr ? sizeof control : 0;
  if (got != 1 || ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) != static_cast<ssize_t>(sizeof *data))
    return false;
  ring::for_each_descriptor(message, [&](int received) { *descriptor = UniqueFd(received); });
  return true;
}

FetchedUserfaultfd fetched_from(int socket, int patience_ms) {
  FetchedUserfaultfd fetched;
  Answer answer;
  if (!receive_from(socket, patience_ms, &answer, &fetched.descriptor)) {
    fetched.error = EBUSY;
    return fetched;
  }
  fetched.error = fetched.descriptor ? 0 : answer.error != 0 ? answer.error : EPERM;
  fetched.stopped_ns = answer.stopped_ns;
  return fetched;
}

void become_second_process(std::array<int, 3> kept) {
  ::setsid();
  close_all_but(kept);
  ::prctl(PR_SET_NAME, "oomcast-fetch");
  ::prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
  ::setpriority(PRIO_PROCESS, 0, -20);  // where it is allowed: a thread of the program is stopped meanwhile
}

[[noreturn]] void carry_out(const Order& order, int socket) {
  become_second_process({order.lender.pidfd, order.lender.device, socket});
  Answer answer{EBUSY, 0};
  int taken = -1;
  for (size_t i = 0; i < order.thread_count; ++i) {
    const uint64_t began = monotonic_ns();
    {
      StoppedThread thread(order.threads[i], kStopPatienceNs);
      answer.error = thread.error();
      if (!thread.valid()) continue;
      taken = open_userfaultfd_inside(thread, order.lender, &answer.error);
    }
    answer.stopped_ns = monotonic_ns() - began;
    break;
  }
  send_with_descriptor(socket, answer, taken);
  ::_exit(0);
}

/// The second process of HeldStart. Sends three messages: the program will stop at its exec; it has stopped; the
/// answer. The order is received before the answer.
void hold_start(pid_t pid, int device, int socket) {
  StoppedThread thread(pid, StoppedThread::AtExec{});
  if (!send_with_descriptor(socket, Answer{thread.error(), 0}, -1) || thread.error() != 0) return;
  if (!thread.wait_for_exec(socket)) return;
  const uint64_t began = monotonic_ns();
  Lender lender;
  UniqueFd pidfd;
  if (!send_with_descriptor(socket, Answer{}, -1) || !receive_from(socket, kStartPatienceMs, &lender, &pidfd)) return;
  lender.pidfd = pidfd.get();
  lender.device = device;
  Answer answer;
  const UniqueFd taken(open_userfaultfd_inside(thread, lender, &answer.error));
  answer.stopped_ns = monotonic_ns() - began;
  char nothing;
  if (send_with_descriptor(socket, answer, taken.get())) receive_from(socket, kStartPatienceMs, &nothing);
}

/// Whether the thread can be stopped. It cannot if it has ended, is stopped already, or sleeps uninterruptibly, as in
/// vfork().
bool may_stop(uint32_t pid, uint32_t tid) {
  const char state = stat_state(read_line_of(proc_of_thread(pid, tid) + "stat"));
  return state == 'R' || state == 'S';
}

/// Whether the program has a userfaultfd of its own: the kernel registers memory with one only.
bool has_userfaultfd(uint32_t pid) {
  const std::string directory = proc_of(pid) + "fd/";
  std::array<char, 64> link;
  for (const uint32_t descriptor : numbers_in_directory(directory)) {
    const ssize_t length = ::readlink((directory + std::to_string(descriptor)).c_str(), link.data(), link.size());
    if (length > 0 && std::string_view(link.data(), static_cast<size_t>(length)) == "anon_inode:[userfaultfd]")
      return true;
  }
  return false;
}

/// Whether a seccomp filter may kill the program for the system calls. Filters that the program has inherited from the
/// recorder do not, if it has no others.
bool may_kill_for_a_call(const std::string& status, bool descends_from_us) {
  if (number_behind(status, "Seccomp:") == 0) return false;
  constexpr const char* kFilters = "Seccomp_filters:";
  const uint64_t filters = number_behind(status, kFilters);
  const bool same_as_ours =
      descends_from_us && filters != 0 && filters == number_behind(read_whole_path("/proc/self/status"), kFilters);
  return !same_as_ours;
}

/// Why no userfaultfd can be opened inside the program, as an errno; 0: no reason found. `tracer`: the process that may
/// trace it.
int objection(uint32_t pid, uint32_t living, pid_t tracer, bool descends_from_us) {
  const std::string status = read_whole_path(proc_of_thread(pid, living) + "status");
  if (status.empty()) return ESRCH;
  if (const uint64_t by = number_behind(status, "TracerPid:"); by != 0 && by != static_cast<uint64_t>(tracer))
    return EBUSY;
  if (may_kill_for_a_call(status, descends_from_us)) return EACCES;
  return has_userfaultfd(pid) ? EEXIST : 0;
}

FetchedUserfaultfd failed_with(int error) {
  FetchedUserfaultfd failed;
  failed.error = error;
  return failed;
}

}  // namespace

FetchedUserfaultfd UserfaultfdFetcher::fetch(uint32_t pid, int pidfd, bool descends_from_us) {
  reap();
  // On a busy machine the process of the last try may still be running, after its answer has been given up.
  if (std::any_of(unreaped_.begin(), unreaped_.end(), [&](const Fetch& fetch) { return fetch.program == pid; }))
    return failed_with(EALREADY);
  Order order;
  order.lender.living = living_thread(pid);
  if (const int why = objection(pid, order.lender.living, 0, descends_from_us); why != 0) return failed_with(why);
  order.lender.pidfd = pidfd;
  order.lender.instruction = find_syscall_instruction(pid);
  if (order.lender.instruction == 0) return failed_with(ENOEXEC);
  for (const uint32_t tid : numbers_in_directory(proc_of(pid) + "task"))
    if (order.thread_count < kThreadsMost && may_stop(pid, tid))
      order.threads[order.thread_count++] = static_cast<pid_t>(tid);
  if (order.thread_count == 0) return failed_with(EBUSY);
  const UniqueFd device = open_userfaultfd_device();
  order.lender.device = device.get();
  UniqueFd socket;
  const pid_t child = start_second_process(&socket, [&](int theirs) { carry_out(order, theirs); });
  if (child < 0) return failed_with(errno);
  FetchedUserfaultfd fetched = fetched_from(socket.get(), kAnswerPatienceMs);
  unreaped_.push_back({child, pid});
  return fetched;
}

void UserfaultfdFetcher::reap() {
  std::erase_if(unreaped_, [](const Fetch& fetch) { return ::waitpid(fetch.child, nullptr, WNOHANG) != 0; });
}

HeldStart::HeldStart(HeldStart&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)), holder_(std::exchange(other.holder_, 0)), socket_(std::move(other.socket_)) {}

HeldStart& HeldStart::operator=(HeldStart&& other) noexcept {
  if (this != &other) {
    let_go();
    pid_ = std::exchange(other.pid_, 0);
    holder_ = std::exchange(other.holder_, 0);
    socket_ = std::move(other.socket_);
  }
  return *this;
}

void HeldStart::begin(pid_t pid) {
  const UniqueFd device = open_userfaultfd_device();
  holder_ = start_second_process(&socket_, [&](int theirs) {
    become_second_process({device.get(), theirs, -1});
    hold_start(pid, device.get(), theirs);
    ::_exit(0);
  });
  Answer holds;
  if (holder_ > 0 && receive_from(socket_.get(), kStartPatienceMs, &holds) && holds.error == 0)
    pid_ = pid;
  else
    let_go();
}

FetchedUserfaultfd HeldStart::fetch(int pidfd) {
  const auto pid = static_cast<uint32_t>(pid_);
  Answer held;
  if (!receive_from(socket_.get(), kStartPatienceMs, &held)) return failed_with(EBUSY);
  if (const int why = objection(pid, pid, holder_, true); why != 0) return failed_with(why);
  Lender lender;
  lender.living = pid;
  lender.instruction = find_syscall_instruction(pid);
  if (lender.instruction == 0) return failed_with(ENOEXEC);
  if (!send_with_descriptor(socket_.get(), lender, pidfd)) return failed_with(EBUSY);
  return fetched_from(socket_.get(), kStartPatienceMs);
}

void HeldStart::let_go() {
  socket_.reset();
  if (holder_ > 0) ::waitpid(holder_, nullptr, 0);
  pid_ = holder_ = 0;
}

}  // namespace oomcast::record
