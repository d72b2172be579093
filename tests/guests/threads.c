// Four threads, each with its own arena and its own 8 MiB walk.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static void* work(void* which) {
  size_t sum = 0;
  for (int i = 0; i < 64; ++i) {
    char* block = malloc(128 << 10);
    memset(block, 1 + (int)(long)which, 128 << 10);
    sum += (size_t)block[i];
  }
  return (void*)sum;
}
int main(void) {
  pthread_t threads[4];
  for (long i = 0; i < 4; ++i) pthread_create(&threads[i], 0, work, (void*)i);
  size_t total = 0;
  for (int i = 0; i < 4; ++i) { void* sum; pthread_join(threads[i], &sum); total += (size_t)sum; }
  printf("%zu\n", total);
  return 0;
}
