// Writes a byte each to PAGES pages of FILE, none beside the one before: as many notes as fast as they come.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char** argv) {
  const int fd = argc > 2 ? open(argv[1], O_RDWR | O_CREAT | O_TRUNC, 0600) : -1;
  if (fd < 0) return 1;
  const long pages = atol(argv[2]);
  for (long i = 0; i < pages; ++i)
    if (pwrite(fd, "x", 1, i * 7919 % pages * 4096) != 1) return 1;
  return 0;
}
