// Six threads allocate all the while; the first thread forks 100 children one after another, and each allocates, too.
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kThreads = 6, kChildren = 100, kBytes = 80000 };
static atomic_int over;

// Other sizes each time, so that the memory is never the one that was freed last.
static void fill(int depth, unsigned *luck) {
  volatile char *own = malloc(kBytes + rand_r(luck) % 64 * 4096);
  for (int i = 0; i < kBytes; i += 4096) own[i] = 1;
  if (depth > 0) fill(depth - 1, luck);
  free((void *)own);
}

static void *work(void *unused) {
  unsigned luck = (unsigned)(size_t)&unused;
  while (!over) fill(8, &luck);
  return unused;
}

int main(void) {
  pthread_t threads[kThreads];
  for (int i = 0; i < kThreads; ++i)
    if (pthread_create(&threads[i], NULL, work, NULL) != 0) return 1;
  int lost = 0;
  for (int i = 0; i < kChildren; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      alarm(20);  // one that waits for ever is killed
      unsigned luck = (unsigned)i;
      fill(30, &luck);
      _exit(0);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) ++lost;
  }
  over = 1;
  for (int i = 0; i < kThreads; ++i) pthread_join(threads[i], NULL);
  return lost;
}
