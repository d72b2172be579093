// Puts itself under seccomp, strict or by a filter that kills for each call that is not listed, and goes on allocating, mapping,
// reading and, where the filter lets it, forking.   seals_itself strict|filter|syscall|probe|fork|opens|threads
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const int plain[] = {SYS_read, SYS_write, SYS_exit_group, SYS_exit, SYS_brk, SYS_mmap, SYS_munmap, SYS_mremap, SYS_mprotect, SYS_madvise, SYS_rt_sigreturn};
static const int opening[] = {SYS_openat, SYS_lseek};
static const int forking[] = {SYS_clone, SYS_wait4, SYS_set_robust_list, SYS_rt_sigprocmask, SYS_gettid};

/// What a library in the program might call and malloc does not: forbidden where other threads allocate at that moment.
static const int foreign[] = {SYS_getpid, SYS_gettid, SYS_nanosleep, SYS_rt_sigprocmask, SYS_socket, SYS_userfaultfd, SYS_prctl};

static int add(struct sock_filter* code, int at, const int* calls, size_t count, unsigned answer) {
  for (size_t i = 0; i < count; ++i) {
    code[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)calls[i], 0, 1);
    code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, answer);
  }
  return at;
}

static int seal(int by_syscall, int may_fork, int may_open, int has_threads, unsigned flags) {
  struct sock_filter code[64] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))};
  int at = 1;
  if (has_threads) {
    at = add(code, at, foreign, sizeof foreign / sizeof *foreign, SECCOMP_RET_KILL_PROCESS);
  } else {
    at = add(code, at, plain, sizeof plain / sizeof *plain, SECCOMP_RET_ALLOW);
    if (may_fork) at = add(code, at, forking, sizeof forking / sizeof *forking, SECCOMP_RET_ALLOW);
    if (may_open) at = add(code, at, opening, sizeof opening / sizeof *opening, SECCOMP_RET_ALLOW);
  }
  code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, has_threads ? SECCOMP_RET_ALLOW : SECCOMP_RET_KILL_PROCESS);
  struct sock_fprog program = {(unsigned short)at, code};
  if (by_syscall) return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static void say(const char* text) { if (write(1, text, strlen(text)) < 0) syscall(SYS_exit, 9); }

static void work(void) {
  char* kept[16];
  for (int i = 0; i < 50; ++i) {
    char* block = malloc((size_t)3 << 20);
    memset(block, i, (size_t)3 << 20);
    if (i & 1) free(block);
  }
  for (int i = 0; i < 16; ++i) {
    kept[i] = malloc(70000);
    memset(kept[i], i, 70000);
  }
  for (int i = 0; i < 16; ++i) free(kept[i]);
  char* map = mmap(0, 8 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memset(map, 1, 8 << 20);
  madvise(map, 4 << 20, MADV_DONTNEED);
  map = mremap(map, 8 << 20, 16 << 20, MREMAP_MAYMOVE);
  map[(16 << 20) - 1] = 1;
  mprotect(map, 4096, PROT_READ);
  munmap(map, 16 << 20);
  say(map == MAP_FAILED ? "no memory\n" : "worked\n");
}

static volatile int rounds;
static void* beside(void* unused) {
  (void)unused;
  for (;;) {
    char* block = malloc(300000);
    memset(block, 1, 300000);
    free(block);
    ++rounds;
  }
  return 0;
}

int main(int count, char** words) {
  const char* mode = count > 1 ? words[1] : "filter";
  char* before = malloc(5 << 20);
  memset(before, 1, 5 << 20);
  if (strcmp(mode, "probe") == 0) {
    // How programs ask whether filters are known: nothing is sealed by it.
    printf("%d", prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL));
    printf(" %d\n", errno);
    printf("%ld", syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, NULL));
    printf(" %d\n", errno);
    printf("%ld", syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 1, NULL));
    printf(" %d\n", errno);
    fflush(stdout);
    work();
    return 4;
  }
  pthread_t thread;
  if (strcmp(mode, "threads") == 0) {
    pthread_create(&thread, 0, beside, 0);
    while (rounds < 10) usleep(1000);  // it is born, and has an arena
  }
  if (strcmp(mode, "strict") != 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return 8;
  if (strcmp(mode, "strict") == 0) {
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0) return 7;
    say("sealed\n");
    memset(before, 2, 5 << 20);
    char* small = malloc(100);  // out of what malloc has
    small[0] = 1;
    say("worked\n");
    syscall(SYS_exit, 5);
  }
  const int has_threads = strcmp(mode, "threads") == 0, may_fork = strcmp(mode, "fork") == 0, may_open = strcmp(mode, "opens") == 0;
  if (seal(strcmp(mode, "syscall") == 0 || has_threads, may_fork, may_open, has_threads, has_threads ? SECCOMP_FILTER_FLAG_TSYNC : 0) != 0) return 6;
  say("sealed\n");
  work();
  if (strcmp(mode, "fork") == 0) {
    pid_t child = fork();
    if (child == 0) {
      work();
      _exit(3);
    }
    int status = 0;
    waitpid(child, &status, 0);
    say(status == 3 << 8 ? "child 3\n" : "child otherwise\n");
  }
  if (may_open) {
    char word;
    say(read(open("/proc/meminfo", O_RDONLY), &word, 1) == 1 && open("/sys/fs/cgroup/none/memory.max", O_RDONLY) < 0 ? "opened\n" : "not opened\n");
  }
  _exit(5);
}
