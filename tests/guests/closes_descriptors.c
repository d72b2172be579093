// A daemon's habit: close every descriptor, then go on using memory.
#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
int main(void) {
  for (int fd = 3; fd < 4096; ++fd) close(fd);
  for (int i = 0; i < 4; ++i) memset(mmap(0, 4 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 1, 4 << 20);
  return 0;
}
