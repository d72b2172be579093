// Starts and watches the case's programs. Each runs by `sh -c` in the workload's file system, from a vfork: a fork
// would share this process's locked pages and copy them one by one afterwards.
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

static struct process {
  const char *kind;
  int index, pid, running;
} processes[kMaxProcesses];
static int process_count;

// The last one only for the run: its progress is what the sampler notes.
static char *kEnvironment[] = {"PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME=/", "LANG=C",
                               "MEMLOAD_PROGRESS=/run/progress", 0};
enum { kProgress = 3 };

// "policy bind 0-1": the run's memory policy, which survives exec and fork.
static void set_policy(void) {
  for (int i = 0; i < job.count; ++i) {
    if (strcmp(job.lines[i].key, "policy")) continue;
    const char *mode = job.lines[i].first;
    unsigned long nodes = 0;
    for (char *at = job.lines[i].rest; *at;) {
      const long from = strtol(at, &at, 10);
      const long to = *at == '-' ? strtol(at + 1, &at, 10) : from;
      for (long node = from; node <= to; ++node) nodes |= 1ul << node;
      if (*at) ++at;
    }
    const int policy = !strcmp(mode, "bind")         ? MPOL_BIND
                       : !strcmp(mode, "preferred")  ? MPOL_PREFERRED
                       : !strcmp(mode, "interleave") ? MPOL_INTERLEAVE
                                                     : -1;
    if (policy < 0 || syscall(SYS_set_mempolicy, policy, &nodes, 64)) _exit(126);
  }
}

static int spawn(const char *kind, const char *adjust, const char *command) {
  // A shell that waits for its only command would be a process more than the case names.
  static char text[4096];
  snprintf(text, sizeof text, "%s%s", strpbrk(command, ";&|") ? "" : "exec ", command);
  char *const arguments[] = {"sh", "-c", text, 0};
  const int in_cgroup = !strcmp(kind, "run") && *job.cgroup;
  char procs[96];
  snprintf(procs, sizeof procs, "%s/cgroup.procs", job.cgroup);
  kEnvironment[kProgress] = strcmp(kind, "beside") ? "MEMLOAD_PROGRESS=/run/progress" : 0;
  fflush(0);
  const int pid = vfork();
  if (pid) return pid;
  cpu_set_t all;
  memset(&all, 0xff, sizeof all);
  sched_setaffinity(0, sizeof all, &all);
  setsid();
  const int adjust_file = open("/proc/self/oom_score_adj", O_WRONLY);
  if (write(adjust_file, adjust, strlen(adjust)) < 0) _exit(125);
  close(adjust_file);
  if (in_cgroup && write_file(procs, "0")) _exit(124);
  if (!strcmp(kind, "run")) set_policy();
  if (*job.root && (chroot(job.root) || chdir("/"))) _exit(123);
  execve("/bin/sh", arguments, kEnvironment);
  _exit(127);
}

void start_processes(const char *kind) {
  int index = 0;
  for (int i = 0; i < job.count; ++i) {
    struct line *line = &job.lines[i];
    if (strcmp(line->key, kind) || process_count == kMaxProcesses) continue;
    const int pid = spawn(kind, line->first, line->rest);
    if (pid < 0) die("cannot start a process");
    if (!strcmp(kind, "setup") || !strcmp(kind, "warm")) {
      int status = 0;
      waitpid(pid, &status, 0);
      if (status) dprintf(1, "guest: %s failed with status %#x: %s\n", kind, status, line->rest), die(kind);
      continue;
    }
    processes[process_count++] = (struct process){kind, index++, pid, 1};
    if (!strcmp(kind, "run")) add_note("start %d %d %s\n", index - 1, pid, line->rest);
  }
}

int reap_processes(double since) {
  int status;
  for (int pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
    for (int i = 0; i < process_count; ++i) {
      struct process *process = &processes[i];
      if (process->pid != pid) continue;
      process->running = 0;
      add_note("exit %.3f %s %d pid %d status %s %d\n", now_s() - since, process->kind, process->index, pid,
               WIFSIGNALED(status) ? "signal" : "code", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    }
  }
  int left = 0;
  for (int i = 0; i < process_count; ++i) left += processes[i].running && !strcmp(processes[i].kind, "run");
  return left;
}

void end_processes(void) {
  kill(-1, SIGKILL);
  while (waitpid(-1, 0, 0) > 0) {
  }
}

int background_pids(int *pids, int size) {
  int count = 0;
  for (int i = 0; i < process_count && count < size; ++i) {
    if (processes[i].running && !strcmp(processes[i].kind, "bg")) pids[count++] = processes[i].pid;
  }
  return count;
}
