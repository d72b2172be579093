// Brings its own malloc(), which maps memory under its one lock, as jemalloc and PartitionAlloc inside a program do. Four threads fill
// MIB each. own_allocator MIB
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *chunk, *chunk_end;
static const size_t kChunk = 4 << 20;

void* malloc(size_t bytes) {
  bytes = (bytes + 31) & ~(size_t)15;
  pthread_mutex_lock(&lock);
  if ((size_t)(chunk_end - chunk) < bytes) {
    const size_t mapped = bytes > kChunk ? bytes : kChunk;
    chunk = (char*)mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    chunk_end = chunk + mapped;
  }
  size_t* const block = (size_t*)chunk;
  chunk += bytes;
  pthread_mutex_unlock(&lock);
  block[0] = bytes - 16;
  return block + 2;
}

void free(void* block) { (void)block; }

void* calloc(size_t count, size_t each) {
  void* const block = malloc(count * each);
  return memset(block, 0, count * each);
}

void* realloc(void* old, size_t bytes) {
  void* const block = malloc(bytes);
  if (old != NULL) memcpy(block, old, ((size_t*)old)[-2] < bytes ? ((size_t*)old)[-2] : bytes);
  return block;
}

static size_t mib;

static void* fill(void* sum) {
  for (size_t i = 0; i < mib; ++i) *(size_t*)sum += (size_t)((char*)memset(malloc(1 << 20), 1, 1 << 20))[4096];
  return NULL;
}

int main(int count, char** words) {
  mib = count > 1 ? (size_t)atoi(words[1]) : 8;
  pthread_t threads[4];
  size_t sums[4] = {0};
  for (int i = 0; i < 4; ++i) pthread_create(&threads[i], NULL, fill, &sums[i]);
  for (int i = 0; i < 4; ++i) pthread_join(threads[i], NULL);
  printf("%zu\n", sums[0] + sums[1] + sums[2] + sums[3]);
  return 0;
}
