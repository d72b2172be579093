// Reads a file into memory that was never touched: the kernel touches it on behalf of the program.
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
int main(void) {
  size_t bytes = 8 << 20, got = 0;
  char* fresh = mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  int fd = open("/dev/urandom", O_RDONLY);
  while (got < bytes) {
    ssize_t n = read(fd, fresh + got, bytes - got);
    if (n <= 0) { perror("read"); return 1; }
    got += (size_t)n;
  }
  printf("read %zu\n", got);
  return 0;
}
