// Five hundred short children, some by fork and some by posix_spawn.
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

int main(void) {
  int sum = 0;
  for (int i = 0; i < 500; ++i) {
    pid_t child = -1;
    if (i % 5 == 0) {
      char* const arguments[] = {"true", 0};
      if (posix_spawnp(&child, "true", 0, 0, arguments, environ) != 0) return 1;
    } else if ((child = fork()) == 0) {
      volatile char* own = memset(malloc(100000), 1, 100000);
      _exit(i % 7 + own[4096] - 1);
    }
    int status = 0;
    if (waitpid(child, &status, 0) != child) return 1;
    sum += WEXITSTATUS(status);
  }
  printf("%d\n", sum);
  return 0;
}
