// Adopts orphans, as PID 1 of a container does, and waits until it has no child left.   waits_for_all [COMMAND...]
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int count, char** words) {
  if (count > 1) {  // becomes one first: the program that is loaded next is an adopter from its start
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    execvp(words[1], words + 1);
    return 127;
  }
  char* memory = malloc(3 << 20);
  memset(memory, 1, 3 << 20);
  if (fork() == 0) {
    if (fork() == 0) {  // an orphan soon
      usleep(30000);
      _exit(4);
    }
    _exit(3);
  }
  int children = 0, status, sum = 0;
  while (wait(&status) > 0) {
    ++children;
    sum += WEXITSTATUS(status);
  }
  printf("children %d, statuses %d, errno %d\n", children, sum, errno);
  return 0;
}
