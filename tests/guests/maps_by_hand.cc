// Maps, grows, moves and unmaps memory for a second with system calls that no hook sees, so that all that is known of
// it comes from the scan. Ends with 1 if the kernel refuses what it would grant to a program that runs alone.
#include <pthread.h>
#include <sys/mman.h>
#include <time.h>

#include "preload/inject/raw_syscall.h"

using oomcast::inject::failed;
using oomcast::inject::raw_syscall;

static char refused;  // what a thread returns that was refused something

static void* work(void*) {
  timespec start{}, now{};
  clock_gettime(CLOCK_MONOTONIC, &start);
  for (unsigned round = 0;; ++round) {
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (static_cast<double>(now.tv_sec - start.tv_sec) + static_cast<double>(now.tv_nsec - start.tv_nsec) / 1e9 > 1.0)
      return nullptr;
    const long bytes = static_cast<long>(round % 7 + 1) << 16;
    long at = raw_syscall(SYS_mmap, 0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (failed(at)) return &refused;
    *reinterpret_cast<volatile char*>(at) = 1;
    at = raw_syscall(SYS_mremap, at, bytes, 2 * bytes, MREMAP_MAYMOVE, 0, 0);
    if (failed(at)) return &refused;
    *reinterpret_cast<volatile char*>(at + bytes) = 1;
    if (failed(raw_syscall(SYS_munmap, at, 2 * bytes, 0, 0, 0, 0))) return &refused;
  }
}

int main() {
  pthread_t threads[2];
  bool bad = false;
  for (pthread_t& thread : threads)
    if (pthread_create(&thread, nullptr, work, nullptr) != 0) return 2;
  for (const pthread_t thread : threads) {
    void* result = nullptr;
    pthread_join(thread, &result);
    bad |= result != nullptr;
  }
  return bad ? 1 : 0;
}
