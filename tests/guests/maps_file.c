// Writes 4 MiB to the named file, then maps it twice to read every page, and once to write a quarter of them.
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { kBytes = 4 << 20, kPage = 4096 };

int main(int argc, char** argv) {
  static char block[65536];
  if (argc < 2) return 2;
  int fd = open(argv[1], O_RDWR | O_CREAT | O_TRUNC, 0600);
  for (int at = 0; at < kBytes; at += (int)sizeof block)
    if (write(fd, block, sizeof block) != (ssize_t)sizeof block) return 3;
  for (int pass = 0; pass < 3; ++pass) {
    const int writes = pass == 2;
    volatile char* map = mmap(0, kBytes, writes ? PROT_READ | PROT_WRITE : PROT_READ, writes ? MAP_SHARED : MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED) return 4;
    for (int at = 0; at < (writes ? kBytes / 4 : kBytes); at += kPage) {
      if (writes) map[at] = 1;
      else (void)map[at];
    }
    munmap((void*)map, kBytes);
  }
  return 0;
}
