// Sets policies, affinity, advice and limits in every way that there is, also for nodes and CPUs that this machine
// lacks. Prints the results of the calls, which have to be the kernel's own.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef long set_mempolicy_type(int, const unsigned long*, unsigned long);

static void print_answer(const char* what, long result) {
  printf("%s: %ld %s\n", what, result, result < 0 ? strerror(errno) : "");
}

static void* sleeper(void* gate) {
  pthread_barrier_wait(gate);
  pthread_barrier_wait(gate);
  return 0;
}

int main(void) {
  enum { kBytes = 4 << 20 };
  char* start = mmap(0, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  const unsigned long first = 1, fifth = 1 << 5;
  // As libnuma does it: its functions are names of its own, which call syscall().
  set_mempolicy_type* by_name = (set_mempolicy_type*)dlsym(RTLD_DEFAULT, "set_mempolicy");
  print_answer("set_mempolicy by name", by_name ? by_name(2, &fifth, 65) : syscall(SYS_set_mempolicy, 2, &fifth, 65));
  print_answer("set_mempolicy", syscall(SYS_set_mempolicy, 3, &first, 65));
  print_answer("set_mempolicy of nothing", syscall(SYS_set_mempolicy, 0, 0, 0));
  print_answer("set_mempolicy unreadable", syscall(SYS_set_mempolicy, 2, (void*)8, 65));
  print_answer("mbind", syscall(SYS_mbind, start, kBytes, 2, &fifth, 65, 0));
  print_answer("mbind at no page", syscall(SYS_mbind, start + 1, kBytes, 2, &fifth, 65, 0));
  print_answer("set_mempolicy_home_node", syscall(450, start, kBytes, 5, 0));
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  CPU_SET(0, &cpus);
  print_answer("sched_setaffinity", sched_setaffinity(0, sizeof cpus, &cpus));
  CPU_SET(60, &cpus);
  CPU_CLR(0, &cpus);
  print_answer("syscall of sched_setaffinity", syscall(SYS_sched_setaffinity, 0, sizeof cpus, &cpus));
  pthread_barrier_t gate;
  pthread_barrier_init(&gate, 0, 2);
  pthread_t thread;
  pthread_create(&thread, 0, sleeper, &gate);
  pthread_barrier_wait(&gate);
  CPU_SET(0, &cpus);
  print_answer("pthread_setaffinity_np", pthread_setaffinity_np(thread, sizeof cpus, &cpus));
  pthread_barrier_wait(&gate);
  pthread_join(thread, 0);
  print_answer("madvise", madvise(start, kBytes, MADV_HUGEPAGE));
  print_answer("madvise", madvise(start, kBytes / 2, MADV_NOHUGEPAGE));
  print_answer("prctl", prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
  print_answer("prctl of another kind", prctl(PR_SET_NAME, "policies"));
  struct rlimit limit = {(rlim_t)7 << 30, RLIM_INFINITY};
  print_answer("setrlimit", setrlimit(RLIMIT_DATA, &limit));
  limit.rlim_cur = (rlim_t)9 << 40;
  print_answer("prlimit", prlimit(getpid(), RLIMIT_AS, &limit, &limit));
  print_answer("prlimit gives the old one", limit.rlim_cur == RLIM_INFINITY);
  print_answer("getppid by syscall", syscall(SYS_getppid) == getppid());
  print_answer("six parameters", syscall(SYS_mmap, start, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == (long)start);
  memset(start, 1, kBytes);
  return 0;
}
