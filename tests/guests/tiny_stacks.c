// Allocates on coroutine stacks with a guard page below, and in a signal handler on its own small stack.   tiny_stacks KIB
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

static ucontext_t home, routine;
static long total;

static void allocate(int rounds) {
  for (int i = 0; i < rounds; ++i) {
    char* block = malloc(100000 + (size_t)i * 5000);
    block[0] = 1;
    total += block[0];
    if (i % 3 == 0) free(block);
  }
}
static void in_routine(void) {
  allocate(20);
  swapcontext(&routine, &home);
}
static void on_signal(int number) {
  (void)number;
  allocate(20);
}
static char* guarded(size_t bytes) {
  char* stack = mmap(0, bytes + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  mprotect(stack, 4096, PROT_NONE);
  return stack + 4096;
}
static void* in_thread(void* unused) {
  allocate(20);
  return unused;
}

int main(int count, char** words) {
  const size_t bytes = (size_t)(count > 1 ? atoi(words[1]) : 4) << 10;
  allocate(5);
  for (int i = 0; i < 50; ++i) {
    getcontext(&routine);
    routine.uc_stack.ss_sp = guarded(bytes);
    routine.uc_stack.ss_size = bytes;
    routine.uc_link = 0;
    makecontext(&routine, in_routine, 0);
    swapcontext(&home, &routine);
  }
  stack_t other = {.ss_sp = guarded(16 << 10), .ss_size = 16 << 10};
  sigaltstack(&other, 0);
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
  sigaction(SIGUSR1, &action, 0);
  for (int i = 0; i < 20; ++i) raise(SIGUSR1);
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 16 << 10);
  for (int i = 0; i < 20; ++i) {
    pthread_t thread;
    pthread_create(&thread, &small, in_thread, 0);
    pthread_join(thread, 0);
  }
  printf("ok %ld\n", total);
}
