// Opens a userfaultfd inside a program, by system calls that a stopped thread of the program makes.
#include "preload/record/kernel/inside_program.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

#include "preload/record/kernel/descriptor_message.h"
#include "preload/record/kernel/foreign_memory.h"
#include "preload/record/kernel/living_thread.h"
#include "preload/record/kernel/pages.h"
#include "preload/record/kernel/proc_file.h"
#include "preload/record/kernel/proc_maps.h"
#include "preload/record/kernel/unique_fd.h"
#include "preload/ring/userfaultfd_names.h"

namespace oomcast::record {
namespace {

constexpr uint64_t kSearchedBytes = 1 << 20;
constexpr uint64_t kUserfaultfdFlags = O_CLOEXEC | O_NONBLOCK;

int take_descriptor(const Lender& lender, long number) {
  const auto taken = static_cast<int>(::syscall(SYS_pidfd_getfd, lender.pidfd, number, 0));
  if (taken >= 0) return taken;
  // The pidfd stands for the first thread. If that thread has left by pthread_exit(), it has no descriptors any more: a
  // pidfd of another thread is needed (PIDFD_THREAD, Linux 6.9).
  constexpr unsigned kOfThread = O_EXCL;
  const UniqueFd thread(static_cast<int>(::syscall(SYS_pidfd_open, lender.living, kOfThread)));
  return static_cast<int>(::syscall(SYS_pidfd_getfd, thread.get(), number, 0));
}

/// Laid out in a page that is mapped in the guest for this purpose.
struct Parcel {
  int sockets[2];
  int padding[2];
  msghdr message;
  iovec content;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  char byte;
};

/// Passes `descriptor` to the guest by SCM_RIGHTS. Returns its number in the guest, or a negative errno.
long hand_over(StoppedThread& thread, const Lender& lender, uint64_t page, int descriptor) {
  const auto call = [&](long number, const std::array<uint64_t, 6>& arguments) {
    return thread.call(lender.instruction, number, arguments);
  };
  const auto living = static_cast<pid_t>(lender.living);
  const uint64_t at_message = page + offsetof(Parcel, message), at_control = page + offsetof(Parcel, control);
  const long paired = call(SYS_socketpair, {AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, page});
  if (paired < 0) return paired;
  Parcel parcel{};
  long received = -EFAULT;
  if (read_foreign(living, page, &parcel, sizeof parcel.sockets)) {
    parcel.content = {reinterpret_cast<void*>(page + offsetof(Parcel, byte)), 1};
    parcel.message.msg_iov = reinterpret_cast<iovec*>(page + offsetof(Parcel, content));
    parcel.message.msg_iovlen = 1;
    parcel.message.msg_control = reinterpret_cast<void*>(at_control);
    parcel.message.msg_controllen = sizeof parcel.control;
    // If the guest's RLIMIT_NOFILE is reached, the byte arrives without the descriptor. The preset -EMFILE then stays:
    // 0 would be read as a descriptor's number.
    constexpr int kNone = -EMFILE;
    std::memcpy(parcel.control + CMSG_LEN(0), &kNone, sizeof kNone);
    const UniqueFd sender(take_descriptor(lender, parcel.sockets[0]));
    if (sender && write_foreign(living, page, &parcel, sizeof parcel) &&
        send_with_descriptor(sender.get(), parcel.byte, descriptor, MSG_DONTWAIT))
      received =
          call(SYS_recvmsg, {static_cast<uint64_t>(parcel.sockets[1]), at_message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC});
    if (received == 1) {
      int number = -1;
      received = read_foreign(living, at_control + CMSG_LEN(0), &number, sizeof number) ? number : -EFAULT;
    }
    for (const int socket : parcel.sockets) call(SYS_close, {static_cast<uint64_t>(socket)});
  }
  return received;
}

/// USERFAULTFD_IOC_NEW on the recorder's /dev/userfaultfd: it needs no privilege of the program. Returns the recorder's
/// descriptor, or -1 and an errno.
int open_through_device(StoppedThread& thread, const Lender& lender, int* error) {
  const auto call = [&](long number, const std::array<uint64_t, 6>& arguments) {
    return thread.call(lender.instruction, number, arguments);
  };
  const long page = call(SYS_mmap, {0, kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, ~uint64_t{0}, 0});
  if (page < 0) {
    *error = static_cast<int>(-page);
    return -1;
  }
  int taken = -1;
  const long device = hand_over(thread, lender, static_cast<uint64_t>(page), lender.device);
  if (device >= 0) {
    const long opened = call(SYS_ioctl, {static_cast<uint64_t>(device), USERFAULTFD_IOC_NEW, kUserfaultfdFlags});
    if (opened >= 0) {
      taken = take_descriptor(lender, opened);
      call(SYS_close, {static_cast<uint64_t>(opened)});
    }
    call(SYS_close, {static_cast<uint64_t>(device)});
    *error = opened < 0 ? static_cast<int>(-opened) : taken < 0 ? EPERM : 0;
  } else {
    *error = static_cast<int>(-device);
  }
  call(SYS_munmap, {static_cast<uint64_t>(page), kPage});
  return taken;
}

}  // namespace

int open_userfaultfd_inside(StoppedThread& thread, const Lender& lender, int* error) {
  const long opened = thread.call(lender.instruction, SYS_userfaultfd, {kUserfaultfdFlags});
  if (opened < 0) {
    *error = static_cast<int>(-opened);
    return *error == EPERM && lender.device >= 0 ? open_through_device(thread, lender, error) : -1;
  }
  const int taken = take_descriptor(lender, opened);
  *error = taken < 0 ? errno : 0;
  thread.call(lender.instruction, SYS_close, {static_cast<uint64_t>(opened)});
  return taken;
}

uint64_t find_syscall_instruction(uint32_t pid) {
  const uint32_t living = living_thread(pid);
  std::vector<Vma> maps = parse_maps(read_whole_path(proc_of_thread(pid, living) + "maps"));
  std::stable_partition(maps.begin(), maps.end(), [](const Vma& vma) { return vma.name == "[vdso]"; });
  constexpr std::array kInstruction{'\x0f', '\x05'};
  for (const Vma& vma : maps) {
    if (!vma.executable || !vma.readable || vma.name == "[vsyscall]") continue;
    std::string text(std::min(vma.end - vma.start, kSearchedBytes), '\0');
    if (!read_foreign(static_cast<pid_t>(living), vma.start, text.data(), text.size())) continue;
    const auto at = std::search(text.begin(), text.end(), kInstruction.begin(), kInstruction.end());
    if (at != text.end()) return vma.start + static_cast<uint64_t>(at - text.begin());
  }
  return 0;
}

}  // namespace oomcast::record
