// Sixty threads at once, each with 300 KB from malloc() that it fills.
#include <pthread.h>
#include <stdlib.h>

enum { kThreads = 60, kBytes = 300000 };
static pthread_barrier_t together;

static void *work(void *unused) {
  volatile char *own = malloc(kBytes);
  for (int i = 0; i < kBytes; ++i) own[i] = 1;
  pthread_barrier_wait(&together);
  const int last = own[kBytes - 1];
  free((void *)own);
  return last == 1 ? unused : NULL;
}

int main(void) {
  pthread_t threads[kThreads];
  pthread_barrier_init(&together, NULL, kThreads);
  for (int i = 0; i < kThreads; ++i)
    if (pthread_create(&threads[i], NULL, work, &together) != 0) return 1;
  for (int i = 0; i < kThreads; ++i) {
    void *done = NULL;
    pthread_join(threads[i], &done);
    if (done == NULL) return 2;
  }
  return 0;
}
