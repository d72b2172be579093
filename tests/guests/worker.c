// Half a second of everything that the library takes part in: heap, mappings, threads, forks, files, exec.
// Prints one line, always the same. `worker again` is what it execs.
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef HEAP_STEPS
#define HEAP_STEPS 2000
#endif

static unsigned mix(unsigned sum, const unsigned char* bytes, size_t count) {
  for (size_t i = 0; i < count; i += 509) sum = sum * 31 + bytes[i];
  return sum;
}

static void* heap_work(void* seed) {
  unsigned sum = 0;
  char* kept[64] = {0};
  for (int i = 0; i < HEAP_STEPS; ++i) {
    const int slot = i % 64;
    const size_t bytes = (size_t)(i * 7919 % 40000) + 1;
    free(kept[slot]);
    kept[slot] = malloc(bytes);
    memset(kept[slot], i + (int)(size_t)seed, bytes);
    sum = mix(sum, (unsigned char*)kept[slot], bytes);
  }
  for (int i = 0; i < 64; ++i) free(kept[i]);
  return (void*)(size_t)sum;
}

static unsigned mapping_work(void) {
  unsigned sum = 0;
  for (int i = 0; i < 20; ++i) {
    const size_t bytes = (size_t)(i % 7 + 1) << 18;
    unsigned char* start = mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED) exit(1);
    memset(start, i, bytes);
    start = mremap(start, bytes, 2 * bytes, MREMAP_MAYMOVE);
    if (start == MAP_FAILED) exit(1);
    memset(start + bytes, i + 1, bytes);
    sum = mix(sum, start, 2 * bytes);
    madvise(start, bytes, MADV_DONTNEED);
    sum = mix(sum, start, 2 * bytes);
    munmap(start, 2 * bytes);
  }
  return sum;
}

static unsigned file_work(void) {
  char name[] = "/tmp/oomcast-worker-XXXXXX";
  static unsigned char buffer[1 << 16];
  unsigned sum = 0;
  const int fd = mkstemp(name);
  if (fd < 0) exit(1);
  unlink(name);
  for (int i = 0; i < 32; ++i) {
    memset(buffer, i, sizeof buffer);
    if (write(fd, buffer, sizeof buffer) != sizeof buffer) exit(1);
  }
  for (int i = 0; i < 32; ++i) {
    if (pread(fd, buffer, sizeof buffer, (off_t)i << 16) != sizeof buffer) exit(1);
    sum = mix(sum, buffer, sizeof buffer);
  }
  close(fd);
  return sum;
}

int main(int count, char** arguments) {
  unsigned sum = 0;
  if (count > 1) {
    printf("%08x\n", mapping_work() + (unsigned)atoi(arguments[1]));
    return 0;
  }
  for (int round = 0; round < 2; ++round) {
    pthread_t threads[4];
    for (size_t i = 0; i < 4; ++i)
      if (pthread_create(&threads[i], 0, heap_work, (void*)i) != 0) return 1;
    for (size_t i = 0; i < 4; ++i) {
      void* part = 0;
      pthread_join(threads[i], &part);
      sum = sum * 17 + (unsigned)(size_t)part;
    }
    sum += mapping_work() + file_work();
    const pid_t child = fork();
    if (child < 0) return 1;
    if (child == 0) _exit((int)((mapping_work() + (unsigned)(size_t)heap_work(0)) & 0x3f));
    int status = 0;
    waitpid(child, &status, 0);
    sum = sum * 3 + (unsigned)status;
  }
  fflush(stdout);
  char text[32];
  snprintf(text, sizeof text, "%u", sum);
  char* const next[] = {arguments[0], text, 0};
  execv("/proc/self/exe", next);
  execv(arguments[0], next);
  return 1;
}
