// A child becomes this program anew and touches 24 MiB before any library's constructor has run, as the relocation of a large program
// does. The child then waits for 0.6 s, so that it is found as somebody's child before its own library can say hello.
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { kBytes = 24 << 20 };
static char memory[kBytes];

static void while_loaded(int count, char** arguments, char** environment) {
  (void)arguments, (void)environment;
  if (count < 2) return;
  memset(memory, 1, sizeof memory);
  const struct timespec wait = {0, 600 * 1000 * 1000};
  nanosleep(&wait, NULL);
}
__attribute__((section(".preinit_array"), used)) static void (*const first)(int, char**, char**) = while_loaded;

int main(int count, char** arguments) {
  if (count > 1) return memory[kBytes - 1] - 1;
  if (fork() == 0) {
    execl("/proc/self/exe", arguments[0], "again", (char*)NULL);
    _exit(127);
  }
  int status = -1;
  wait(&status);
  return status;
}
