// A thousand threads at once, each with memory of its own.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static pthread_barrier_t together;

static void* work(void* number) {
  char* own = malloc(20000);
  memset(own, (int)(size_t)number, 20000);
  pthread_barrier_wait(&together);
  const int last = own[19999];
  free(own);
  return (void*)(size_t)(last == (char)(size_t)number);
}

int main(void) {
  enum { kThreads = 1000 };
  static pthread_t threads[kThreads];
  size_t good = 0;
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 256 * 1024);
  pthread_barrier_init(&together, 0, kThreads);
  for (size_t i = 0; i < kThreads; ++i)
    if (pthread_create(&threads[i], &small, work, (void*)i) != 0) return 1;
  for (size_t i = 0; i < kThreads; ++i) {
    void* result = 0;
    pthread_join(threads[i], &result);
    good += (size_t)result;
  }
  printf("%zu good\n", good);
  return 0;
}
