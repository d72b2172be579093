// The break grows 400 times by 132 KiB, as a malloc lets it grow, and of each step the first and the last page are written.
// Argument 1: microseconds between two steps. Argument 2: milliseconds in which the last step is already there by the kernel's word, and
// libc has not yet come back from asking for it.
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { kSteps = 400, kStep = 132 << 10 };

int main(int count, char** arguments) {
  for (int i = 0; i < kSteps; ++i) {
    if (i + 1 == kSteps && count > 2) {
      syscall(SYS_brk, (char*)sbrk(0) + kStep);
      usleep(1000 * atoi(arguments[2]));
    }
    char* step = sbrk(kStep);
    step[0] = step[kStep - 1] = 1;
    if (count > 1) usleep(atoi(arguments[1]));
  }
  return 0;
}
