// Asks whether huge pages are switched off for it, before and after it says so itself, in children too.   huge_page_word [child]
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void ask(const char* who) {
  printf("%s: %d %ld\n", who, prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), syscall(SYS_prctl, PR_GET_THP_DISABLE, 0, 0, 0, 0));
  fflush(stdout);
}
static void start(const char* self, int by_vfork) {
  fflush(stdout);
  const pid_t child = by_vfork ? vfork() : fork();
  if (child == 0) {
    execl(self, self, by_vfork ? "spawned" : "exec'ed", (char*)0);
    _exit(9);
  }
  waitpid(child, 0, 0);
}

int main(int count, char** words) {
  (void)count;
  ask(count > 1 ? words[1] : "first");
  if (count > 1) return 0;
  char* memory = malloc(6 << 20);
  memset(memory, 1, 6 << 20);
  start(words[0], 0);
  start(words[0], 1);
  printf("bad: %d", prctl(PR_GET_THP_DISABLE, 1, 0, 0, 0));
  printf(" %d\n", errno);
  printf("set: %d\n", prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
  ask("off");
  if (fork() == 0) {
    ask("forked");
    _exit(0);
  }
  wait(0);
  start(words[0], 0);
  start(words[0], 1);
  prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0);
  ask("on again");
  start(words[0], 1);
  return 0;
}
