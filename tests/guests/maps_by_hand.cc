// Maps, grows, moves and unmaps memory for a second with system calls that no hook sees, so that all that is known of it
// comes from the sweep. Ends with 1 if the kernel refuses what it would grant to a program that runs alone.
#define _GNU_SOURCE
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long call(long number, long a, long b, long c, long d, long e, long f) {
#if defined(__x86_64__)
  long result;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
  return result;
#else
  return syscall(number, a, b, c, d, e, f);
#endif
}

static int failed(long result) { return result < 0 && result > -4096; }

static void* work(void* unused) {
  (void)unused;
  struct timespec start, now;
  clock_gettime(CLOCK_MONOTONIC, &start);
  for (unsigned round = 0;; ++round) {
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec - start.tv_sec + (now.tv_nsec - start.tv_nsec) / 1e9 > 1.0) return 0;
    const long bytes = (long)(round % 7 + 1) << 16;
    long at = call(SYS_mmap, 0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (failed(at)) return (void*)1;
    *(volatile char*)at = 1;
    at = call(SYS_mremap, at, bytes, 2 * bytes, MREMAP_MAYMOVE, 0, 0);
    if (failed(at)) return (void*)1;
    *(volatile char*)(at + bytes) = 1;
    if (failed(call(SYS_munmap, at, 2 * bytes, 0, 0, 0, 0))) return (void*)1;
  }
}

int main(void) {
  pthread_t threads[2];
  long bad = 0;
  for (int i = 0; i < 2; ++i)
    if (pthread_create(&threads[i], 0, work, 0) != 0) return 2;
  for (int i = 0; i < 2; ++i) {
    void* result = 0;
    pthread_join(threads[i], &result);
    bad |= (long)result;
  }
  return (int)bad;
}
