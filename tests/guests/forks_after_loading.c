// A server that loads 48 MiB and at once forks six workers; each writes into 1 MiB of that, takes 2 MiB more and works for a while.
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
enum { kLoaded = 48 << 20, kWorkers = 6, kWritten = 1 << 20, kOwn = 2 << 20 };
static char* mapped(size_t bytes) { return mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }
int main(void) {
  char* loaded = mapped(kLoaded);
  memset(loaded, 1, kLoaded);
  for (int i = 0; i < kWorkers; ++i) {
    if (fork() != 0) continue;
    memset(loaded + i * kWritten, 2, kWritten);
    memset(mapped(kOwn), 3, kOwn);
    usleep(1500000);
    _exit(0);
  }
  while (wait(0) > 0) {}
  return 0;
}
