// Creates threads whose pthread_t lies in memory that the new thread unmaps at once. libc does not read it any more.
#include <pthread.h>
#include <sys/mman.h>

static void* unmap(void* memory) {
  munmap(memory, 4096);
  return 0;
}

int main(void) {
  enum { kThreads = 2000 };
  pthread_attr_t detached;
  pthread_attr_init(&detached);
  pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
  for (int i = 0; i < kThreads; ++i) {
    pthread_t* const thread = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (thread == MAP_FAILED) return 2;
    if (pthread_create(thread, &detached, unmap, thread) != 0) munmap(thread, 4096);
  }
  return 0;
}
