// Linked statically: grows, forks, execs and ends as its arguments say, each of which is one step:
//   touch=N (MiB, in steps of 1 MiB)  read=N (the same, and read before)  free (what was touched last)  sleep=N (ms)
//   fork (the rest is the child's; the parent waits and ends as the child does)  exec (the rest is done by a new
//   program)  exec=PROGRAM (with the rest as its arguments)  say=WORD  exit=N  kill (SIGKILL)
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static char* last;
static size_t last_bytes;

static void touch(size_t mebibytes, int read_first) {
  last_bytes = mebibytes << 20;
  last = mmap(NULL, last_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (size_t at = 0; read_first && at < last_bytes; at += 4096) *(volatile char*)(last + at);
  for (size_t at = 0; at < last_bytes; at += 1 << 20) memset(last + at, 1, 1 << 20);
}

static void end_as(pid_t child) {
  int status = 0;
  waitpid(child, &status, 0);
  exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const char* const word = argv[i];
    const char* const value = strchr(word, '=') != NULL ? strchr(word, '=') + 1 : "";
    if (strncmp(word, "touch", 5) == 0) touch((size_t)atol(value), 0);
    if (strncmp(word, "read", 4) == 0) touch((size_t)atol(value), 1);
    if (strcmp(word, "free") == 0) munmap(last, last_bytes);
    if (strncmp(word, "sleep", 5) == 0) usleep((useconds_t)atol(value) * 1000);
    if (strncmp(word, "say", 3) == 0) puts(value), fflush(stdout);
    if (strncmp(word, "exit", 4) == 0) return atoi(value);
    if (strcmp(word, "kill") == 0) kill(getpid(), SIGKILL);
    if (strcmp(word, "fork") == 0) {
      const pid_t child = fork();
      if (child != 0) end_as(child);
    }
    if (strncmp(word, "exec", 4) == 0) {
      argv[i] = *value != '\0' ? (char*)value : argv[0];
      execv(*value != '\0' ? value : "/proc/self/exe", argv + i);
      return 126;
    }
  }
  return 0;
}
