// Locked and populated memory that is moved, by eight threads at once, as real-time programs and allocators of large blocks
// do: the kernel touches pages inside mremap(), mmap(), mlock() and madvise(). Checks what was written before each move.
// Prints "moved N" once all is right; 1 and a word about what is not, else. Where memory may not be locked it is not.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#define MLOCK_ONFAULT_FLAG 1

enum { kThreads = 8, kRounds = 40 };
static const size_t kPageBytes = 4096, kBlock = 48 * 4096;
static int moved;

static void wrong(const char* what) {
  printf("wrong: %s (%s)\n", what, strerror(errno));
  exit(1);
}

static char* map(size_t bytes, int flags) {
  char* at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
  if (at == MAP_FAILED && flags) at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) wrong("mmap");
  return at;
}

static void write_marks(char* at, size_t bytes, uint32_t mark) {
  for (size_t i = 0; i < bytes; i += kPageBytes) *(uint32_t*)(at + i) = mark + (uint32_t)(i / kPageBytes);
}

static void check_marks(const char* at, size_t bytes, uint32_t mark, const char* what) {
  for (size_t i = 0; i < bytes; i += kPageBytes)
    if (*(const uint32_t*)(at + i) != mark + (uint32_t)(i / kPageBytes)) wrong(what);
}

static char* move(char* from, size_t old_bytes, size_t bytes, int flags, char* to) {
  char* at = mremap(from, old_bytes, bytes, flags, to);
  if (at == MAP_FAILED) wrong("mremap");
  __atomic_add_fetch(&moved, 1, __ATOMIC_RELAXED);
  return at;
}

static void grow_locked(uint32_t mark) {
  char* at = map(kBlock, MAP_LOCKED);
  write_marks(at, kBlock, mark);
  at = move(at, kBlock, 3 * kBlock, MREMAP_MAYMOVE, NULL);
  check_marks(at, kBlock, mark, "grown and locked");
  if (at[3 * kBlock - 1] != 0) wrong("new memory is not zero");
  write_marks(at, 3 * kBlock, mark);
  munmap(at, 3 * kBlock);
}

static void move_onto_another(uint32_t mark) {
  char* at = map(kBlock, 0);
  char* other = map(2 * kBlock, MAP_POPULATE);
  syscall(SYS_mlock2, at, kBlock, MLOCK_ONFAULT_FLAG);
  write_marks(at, kBlock / 2, mark);
  at = move(at, kBlock, 2 * kBlock, MREMAP_MAYMOVE | MREMAP_FIXED, other);
  check_marks(at, kBlock / 2, mark, "moved onto another");
  munmap(at, 2 * kBlock);
}

static void move_and_keep(uint32_t mark) {
  char* at = map(kBlock, 0);
  madvise(at, kBlock, MADV_POPULATE_WRITE);
  write_marks(at, kBlock, mark);
  char* to = mremap(at, kBlock, kBlock, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
  if (to == MAP_FAILED) {  // not in this kernel
    munmap(at, kBlock);
    return;
  }
  __atomic_add_fetch(&moved, 1, __ATOMIC_RELAXED);
  check_marks(to, kBlock, mark, "moved and kept");
  if (at[0] != 0) wrong("what was moved away is not zero");
  write_marks(at, kBlock, mark + 7);
  check_marks(to, kBlock, mark, "written after the move");
  munmap(at, kBlock);
  munmap(to, kBlock);
}

static void read_lock_and_free(uint32_t mark) {
  char* at = map(kBlock, 0);
  madvise(at, kBlock, MADV_POPULATE_READ);
  write_marks(at, kBlock / 2, mark);
  mlock(at, kBlock);
  munlock(at, kBlock);
  madvise(at, kBlock / 4, MADV_FREE);
  madvise(at + kBlock / 4, kBlock / 4, MADV_DONTNEED);
  if (*(uint32_t*)(at + kBlock / 4) != 0) wrong("what was given back is not zero");
  write_marks(at, kBlock, mark);
  check_marks(at, kBlock, mark, "given back and written again");
  munmap(at, kBlock);
}

static void* run(void* number) {
  const uint32_t thread = (uint32_t)(uintptr_t)number;
  for (uint32_t round = 0; round < kRounds; ++round) {
    const uint32_t mark = thread << 24 | round << 12;
    switch ((thread + round) % 4) {
      case 0: grow_locked(mark); break;
      case 1: move_onto_another(mark); break;
      case 2: move_and_keep(mark); break;
      case 3: read_lock_and_free(mark); break;
    }
  }
  return NULL;
}

int main(void) {
  pthread_t threads[kThreads];
  for (uintptr_t i = 0; i < kThreads; ++i)
    if (pthread_create(&threads[i], NULL, run, (void*)i) != 0) wrong("pthread_create");
  for (int i = 0; i < kThreads; ++i) pthread_join(threads[i], NULL);
  // The same with all that a program has or will have locked.
  mlockall(MCL_CURRENT | MCL_FUTURE);
  for (uint32_t round = 0; round < 4; ++round) {
    grow_locked(round << 12);
    free(memset(malloc(300000), 1, 300000));
  }
  munlockall();
  printf("moved %d\n", moved);
  return 0;
}
