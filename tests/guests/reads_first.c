// Reads 16 MiB of fresh memory, and writes zeroes to all of its pages but each seventh afterwards.
#include <stdio.h>
#include <sys/mman.h>

int main(void) {
  const long bytes = 16 << 20, page = 4096;
  volatile char* memory = mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  long sum = 0, written = 0;
  for (long at = 0; at < bytes; at += page) sum += memory[at];
  for (long at = 0; at < bytes; at += page) {
    if (at / page % 7 == 3) continue;
    memory[at] = (char)sum;
    ++written;
  }
  printf("%ld %ld\n", sum, written);
  return 0;
}
