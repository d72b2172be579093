// Touches memory of each kind that a report names: 40 MiB mapped, 4 MiB of small allocations, 2 MiB of a thread's stack,
// 3 MiB of shared memory, 1 MiB of its own data.
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define MIB (1 << 20)

static char data[MIB] = {1};

__attribute__((noinline)) static void fill_mapping(size_t bytes, int sharing) {
  char* memory = mmap(0, bytes, PROT_READ | PROT_WRITE, sharing | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) exit(1);
  memset(memory, 1, bytes);
}

__attribute__((noinline)) static void allocate_small(size_t bytes) {
  for (size_t done = 0; done < bytes; done += 1024) {
    char* piece = malloc(1000);
    if (piece == 0) exit(1);
    memset(piece, 1, 1000);
  }
}

static void* use_stack(void* unused) {
  volatile char deep[2 * MIB];
  for (size_t i = 0; i < sizeof deep; i += 4096) deep[i] = 1;
  return unused;
}

int main(void) {
  fill_mapping(40 * MIB, MAP_PRIVATE);
  allocate_small(4 * MIB);
  fill_mapping(3 * MIB, MAP_SHARED);
  memset(data, 2, sizeof data);
  pthread_t thread;
  if (pthread_create(&thread, 0, use_stack, 0) != 0) return 1;
  return pthread_join(thread, 0) != 0;
}
