// StashRestore: brings all pages back without a recorder, and reads the events that keep pages out.
#include "preload/inject/stash_restore.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <time.h>

#include "preload/inject/raw_syscall.h"

namespace oomcast::inject {
namespace {

constexpr int kPatience = 20, kLastPatience = 2000;  // tries of 1 ms each

}  // namespace

void StashRestore::run() {
  constexpr timespec kRest{0, 1'000'000};
  handle_journal();
  for (int tries = 0; program_lives(); ++tries) {
    if (tries >= kPatience) wake_all();
    read_messages(tries);
    if (pages_.return_all()) {
      room_.holds.store(0);
      return pages_.unmap_regions();
    }
    raw_syscall(SYS_nanosleep, arg(&kRest), 0);
  }
}

bool StashRestore::program_lives() const { return raw_syscall(SYS_getppid) == static_cast<long>(room_.guest); }

/// Events that the recorder has read and not handled.
void StashRestore::handle_journal() {
  for (const uffd_msg& event : room_.events)
    if (event.event != UFFD_EVENT_FORK) handle_event(event);  // the child's descriptor was in the recorder
}

void StashRestore::handle_event(const uffd_msg& event) {
  const auto& remap = event.arg.remap;
  switch (event.event) {
    case UFFD_EVENT_REMOVE:
      return pages_.discard(event.arg.remove.start, event.arg.remove.end);
    case UFFD_EVENT_REMAP:
      for (int i = 0; i < kStashTries; ++i)
        if (pages_.return_range(remap.from, remap.from + remap.len, remap.to - remap.from)) return;
      return;
    case UFFD_EVENT_FORK:
      pages_.give_to_child(static_cast<int>(event.arg.fork.ufd));
      raw_syscall(SYS_close, event.arg.fork.ufd);
      return;
    default:
      return;  // UFFD_EVENT_UNMAP: return_all() finds that the place is gone
  }
}

void StashRestore::read_messages(int tries) {
  for (const int fd : program_.fds) {
    uffd_msg message;
    while (fd >= 0 && raw_syscall(SYS_read, fd, arg(&message), sizeof message) == static_cast<long>(sizeof message)) {
      if (message.event != UFFD_EVENT_PAGEFAULT)
        handle_event(message);
      else if (tries >= kPatience)
        leave_to_kernel(message.arg.pagefault.address & ~(kStashPageBytes - 1), tries >= kLastPatience);
    }
  }
}

/// An mremap() that populates locked memory waits for a fault before its event can be read, and until then nothing
/// moves. The page it waits for is left to the kernel. The recorder may have read that fault already: a wake-up makes
/// it come again.
void StashRestore::wake_all() const {
  uffdio_range everything{1 << 16, (uint64_t{1} << 47) - (2 << 16)};
  for (const int fd : program_.fds)
    if (fd >= 0) raw_syscall(SYS_ioctl, fd, static_cast<long>(UFFDIO_WAKE), arg(&everything));
}

/// Lets the kernel fill the page. Not if its content is in the stash, unless `at_last`: no event could be read for 2 s,
/// which only locked memory can cause. Of locked memory nothing is out, so the stash's page is of memory that is gone.
void StashRestore::leave_to_kernel(uint64_t page, bool at_last) {
  if (!at_last && stash_has(page)) return;
  pages_.discard(page, page + kStashPageBytes);
  uffdio_range range{page, kStashPageBytes};
  for (const int fd : program_.fds)
    if (fd >= 0) raw_syscall(SYS_ioctl, fd, static_cast<long>(UFFDIO_UNREGISTER), arg(&range));
}

/// Whether the stash has the page, from the page table: it may be on this machine's swap device.
bool StashRestore::stash_has(uint64_t home) {
  char* const stash = pages_.place_of(home);
  if (stash == nullptr) return false;
  uint64_t entry = ~uint64_t{0};
  if (pagemap_ < 0)
    pagemap_ = static_cast<int>(raw_syscall(SYS_openat, AT_FDCWD, arg("/proc/self/pagemap"), O_RDONLY | O_CLOEXEC));
  raw_syscall(SYS_pread64, pagemap_, arg(&entry), sizeof entry, arg(stash) / static_cast<long>(kStashPageBytes) * 8);
  return entry >> 62 != 0;
}

}  // namespace oomcast::inject
