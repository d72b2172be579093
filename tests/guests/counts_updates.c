// Counts each update of its memory twice, far apart, and compares: threads that update and read pages of their own, while
// the first thread forks by libc and by hand, moves, gives back and protects memory and lets the break rise and fall.
// Prints "all there" and the number of updates, or what is missing. Usage: [ROUNDS [UPDATES OF EACH THREAD]]
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef MREMAP_MAYMOVE
#define MREMAP_MAYMOVE 1
void* mremap(void*, size_t, size_t, int, ...);
#endif

enum { kPage = 4096, kThreads = 4, kPages = 1024 };
static int updates_of_each = 20000;
static atomic_int wrong;
static char* map(size_t bytes) { return mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }

static void expect(uint64_t is, uint64_t should, const char* where) {
  if (is != should && atomic_fetch_add(&wrong, 1) < 10)
    fprintf(stderr, "%s: %llu instead of %llu\n", where, (unsigned long long)is, (unsigned long long)should);
}
static uint32_t next(uint32_t* state) { return *state = *state * 1664525u + 1013904223u; }
static volatile uint64_t* word(char* area, uint32_t page) { return (volatile uint64_t*)(area + (size_t)page * kPage + page % 500 * 8); }

static void* work(void* argument) {
  uint32_t state = (uint32_t)(uintptr_t)argument + 1;
  char* const area = map((size_t)kPages * kPage);
  static uint32_t counts[kThreads][kPages];
  uint32_t* const count = counts[(uintptr_t)argument];
  memset(count, 0, sizeof counts[0]);
  for (int i = 0; i < updates_of_each; ++i) {
    const uint32_t written = next(&state) >> 8, read = next(&state) >> 8;
    ++*word(area, written % kPages);
    ++count[written % kPages];
    expect(*word(area, read % kPages), count[read % kPages], "read again");
  }
  for (uint32_t page = 0; page < kPages; ++page) expect(*word(area, page), count[page], "at the end");
  munmap(area, (size_t)kPages * kPage);
  return NULL;
}

static int all_as_written(char* area, uint32_t pages, uint64_t mark) {
  for (uint32_t page = 0; page < pages; ++page)
    if (*word(area, page) != mark + page) return 0;
  return 1;
}
static void fill(char* area, uint32_t pages, uint64_t mark) {
  for (uint32_t page = 0; page < pages; ++page) *word(area, page) = mark + page;
}

/// Past every hook of a library.
static long fork_by_hand(void) {
#if defined(__x86_64__)
  long result;
  register long r10 __asm__("r10") = 0;
  register long r8 __asm__("r8") = 0;
  __asm__ volatile("syscall" : "=a"(result) : "a"(SYS_clone), "D"(SIGCHLD), "S"(0), "d"(0), "r"(r10), "r"(r8) : "rcx", "r11", "memory");
  return result;
#else
  return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
#endif
}

static void in_child(long pid, char* area, uint32_t pages, uint64_t mark, const char* how) {
  if (pid == 0) _exit(all_as_written(area, pages, mark) ? 0 : 1);
  int status = -1;
  if (pid > 0) waitpid((pid_t)pid, &status, 0);
  expect((uint64_t)status, 0, how);
}

static void disturb(uint64_t mark) {
  uint32_t pages = 512;
  char* area = map((size_t)pages * kPage);
  fill(area, pages, mark);
  in_child(fork(), area, pages, mark, "in a child");
  in_child(fork_by_hand(), area, pages, mark, "in a child by hand");
  area = mremap(area, (size_t)pages * kPage, (size_t)pages * 2 * kPage, MREMAP_MAYMOVE);
  expect((uint64_t)all_as_written(area, pages, mark), 1, "after a move");
  mprotect(area, (size_t)pages * kPage, PROT_READ);
  expect((uint64_t)all_as_written(area, pages, mark), 1, "read-only");
  mprotect(area, (size_t)pages * kPage, PROT_READ | PROT_WRITE);
  madvise(area, (size_t)pages / 2 * kPage, MADV_DONTNEED);
  for (uint32_t page = 0; page < pages / 2; ++page) expect(*word(area, page), 0, "given back");
  for (uint32_t page = pages / 2; page < pages; ++page) expect(*word(area, page), mark + page, "beside what was given back");
  munmap(area, (size_t)pages * 2 * kPage);
  char* const heap = sbrk(64 * kPage);
  for (uint32_t page = 0; page < 64; ++page) expect(*word(heap, page), 0, "fresh heap");
  fill(heap, 64, mark);
  char* const high = map(256 * kPage);
  fill(high, 256, mark);
  expect((uint64_t)all_as_written(heap, 64, mark), 1, "heap");
  munmap(high, 256 * kPage);
  if (sbrk(0) == heap + 64 * kPage) sbrk(-64 * kPage);
}

int main(int count, char** arguments) {
  const int rounds = count > 1 ? atoi(arguments[1]) : 1;
  if (count > 2) updates_of_each = atoi(arguments[2]);
  uint64_t updates = 0;
  for (int round = 0; round < rounds; ++round) {
    pthread_t threads[kThreads];
    for (uintptr_t i = 0; i < kThreads; ++i) pthread_create(&threads[i], NULL, work, (void*)i);
    disturb(1000000u * (unsigned)(round + 1));
    for (int i = 0; i < kThreads; ++i) pthread_join(threads[i], NULL);
    updates += (uint64_t)kThreads * (uint64_t)updates_of_each;
    if (wrong) break;
  }
  if (wrong) return printf("%d are wrong\n", wrong), 1;
  printf("all there: %llu updates\n", (unsigned long long)updates);
  return 0;
}
