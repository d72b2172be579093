// 16 MiB of shared memory touched by the parent, 8 more by the child, which then has all of it mapped; 4 MiB of the
// parent's private memory are copied by a write of the child.
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MIB = 1 << 20 };

int main(void) {
  char* shared = mmap(0, 32 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  char* own = mmap(0, 12 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memset(shared, 1, 16 * MIB);
  memset(own, 1, 12 * MIB);
  usleep(200000);
  const pid_t child = fork();
  if (child == 0) {
    memset(shared + 16 * MIB, 2, 8 * MIB);
    memset(own, 3, 4 * MIB);
    volatile char sum = 0;
    for (int at = 0; at < 24 * MIB; at += 4096) sum += shared[at];
    usleep(300000);
    _exit(0);
  }
  int status = 1;
  waitpid(child, &status, 0);
  usleep(200000);
  return WEXITSTATUS(status) + (shared[20 * MIB] != 2) + (own[0] != 1);
}
