// Touches memory of every kind, rests, and then goes on: what a recorder that has begun to hold touches meanwhile has to see.
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum { kMiB = 1 << 20 };

static char* map(size_t bytes) { return mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }

static void grow_heap(int megabytes) {
  for (int i = 0; i < megabytes * 256; ++i) {
    char* const block = malloc(4000);
    if (block != NULL) memset(block, 1, 4000);
  }
}

int main(void) {
  volatile char* const read_first = map(4 * kMiB);
  memset(map(16 * kMiB), 1, 16 * kMiB);
  grow_heap(4);
  char sum = 0;
  for (int at = 0; at < 4 * kMiB; at += 4096) sum = (char)(sum + read_first[at]);
  nanosleep(&(struct timespec){0, 300000000}, NULL);
  memset((char*)read_first, 2, 4 * kMiB);
  memset(map(8 * kMiB), 1, 8 * kMiB);
  grow_heap(4);
  return sum;
}
