// A parent with 8 MiB forks a child that touches 16 MiB of its own.
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
static char* touched(size_t bytes) {
  char* p = mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memset(p, 3, bytes);
  return p;
}
int main(void) {
  touched(8 << 20);
  pid_t child = fork();
  if (child == 0) { touched(16 << 20); _exit(5); }
  int status;
  waitpid(child, &status, 0);
  return WEXITSTATUS(status);
}
