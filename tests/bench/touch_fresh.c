// The worst case for a touch tracker: a program that does nothing but touch fresh memory. Use: touch_fresh MIB ROUNDS
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

int main(int argc, char** argv) {
  const size_t bytes = (size_t)(argc > 1 ? atoi(argv[1]) : 256) << 20;
  const int rounds = argc > 2 ? atoi(argv[2]) : 4;
  unsigned long touched = 0;
  for (int round = 0; round < rounds; ++round) {
    volatile char* area = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (area == MAP_FAILED) return 1;
    for (size_t at = 0; at < bytes; at += 4096, ++touched) area[at] = 1;
    munmap((void*)area, bytes);
  }
  printf("%lu pages\n", touched);
  return 0;
}
