// Forks twice and lets go, as daemons do; the grandchild touches 24 MiB after its ancestors have ended.
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
  if (fork() == 0) {
    setsid();
    if (fork() == 0) {
      usleep(300000);
      volatile char* own = malloc(24 << 20);
      memset((char*)own, 1, 24 << 20);
      usleep(200000);
      _exit(own[99] - 1);
    }
    _exit(0);
  }
  wait(0);
  return 0;
}
