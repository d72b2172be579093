// A copy that no fork handler has seen asks for 128 MiB and ends. Then its parent is given as much without a hook, and writes all of it.
#define _GNU_SOURCE
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kBytes = 128 << 20 };

int main(void) {
  const pid_t copy = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
  if (copy == 0) {
    char* memory = mmap(0, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    _exit(memory != MAP_FAILED ? 3 : 9);
  }
  int status = 0;
  if (waitpid(copy, &status, 0) != copy || !WIFEXITED(status) || WEXITSTATUS(status) != 3) return 8;
  char* memory = (char*)syscall(SYS_mmap, 0, (size_t)kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  usleep(300000);  // a scan of the mappings comes first
  memset(memory, 1, kBytes);
  usleep(300000);
  return 4;
}
