// Allows itself few descriptors and starts children one after the other, each of which writes 60 MiB and ends at once.
// Argument 1: RLIMIT_NOFILE. Argument 2: how many children.
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static char* volatile written;  // the compiler leaves out what nobody could read

int main(int count, char** arguments) {
  const rlim_t most = count > 1 ? (rlim_t)atoi(arguments[1]) : 3;
  const struct rlimit limit = {most, most};
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return 9;
  for (int i = count > 2 ? atoi(arguments[2]) : 3; i > 0; --i) {
    const pid_t child = fork();
    if (child == 0) {
      const size_t bytes = (size_t)60 << 20;
      written = malloc(bytes);
      memset(written, 2, bytes);
      _exit(3);
    }
    int status = 0;
    if (waitpid(child, &status, 0) != child || WEXITSTATUS(status) != 3) return 8;
  }
  // No child of anybody's is left.
  return waitpid(-1, 0, __WALL) == -1 ? 4 : 7;
}
