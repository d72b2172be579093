// Holds 8 MiB, and for a moment 64 MiB more, which it gives back with a system call that no hook sees.
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { kMiB = 1 << 20 };

static void* map(size_t bytes) { return mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0); }

int main(void) {
  memset(map(8 * kMiB), 1, 8 * kMiB);
  const struct timespec rest = {0, 300000000};
  nanosleep(&rest, NULL);
  void* const more = map(64 * kMiB);
  // Through another number than libc's name: no scan is asked for first.
  if (syscall(SYS_mremap, more, 64 * kMiB, 4096, 0) == -1) return 1;
  nanosleep(&rest, NULL);
  return 0;
}
