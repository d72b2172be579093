// Asks for memory in every way that libc and libstdc++ have, 4 MiB each, writes all of it and keeps it.
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

#include <new>

namespace {

constexpr size_t kBytes = 4 << 20;
int failures = 0;

void fill(void* start, size_t bytes = kBytes) {
  if (start == nullptr || start == MAP_FAILED) {
    ++failures;
    return;
  }
  for (size_t at = 0; at < bytes; at += 1024) static_cast<volatile char*>(start)[at] = 7;
}

struct alignas(256) Wide {
  char bytes[256];
};

void by_heap() {
  fill(malloc(kBytes));
  fill(calloc(kBytes / 16, 16));
  fill(realloc(malloc(100), kBytes));
  fill(reallocarray(nullptr, kBytes / 8, 8));
  void* aligned = nullptr;
  if (posix_memalign(&aligned, 4096, kBytes) != 0) ++failures;
  fill(aligned);
  fill(aligned_alloc(64, kBytes));
  fill(memalign(1 << 16, kBytes));
  fill(valloc(kBytes));
  fill(pvalloc(kBytes));
  for (int i = 0; i < 1000; ++i) fill(malloc(4000), 4000);
  free(malloc(kBytes));
  malloc_trim(0);
  if (malloc_usable_size(malloc(1000)) < 1000) ++failures;
}

void by_new() {
  fill(new char[kBytes]);
  fill(new (std::nothrow) char[kBytes]);
  fill(::operator new(kBytes));
  fill(::operator new(kBytes, std::nothrow));
  fill(::operator new(kBytes, std::align_val_t(512)));
  fill(new Wide[kBytes / sizeof(Wide)]);
  delete[] new char[kBytes];
  delete new Wide;
  ::operator delete(::operator new(kBytes), kBytes);
  ::operator delete(::operator new(kBytes, std::align_val_t(512)), std::align_val_t(512));
}

void by_mapping() {
  constexpr int kBoth = PROT_READ | PROT_WRITE, kOwn = MAP_PRIVATE | MAP_ANONYMOUS;
  fill(mmap(nullptr, kBytes, kBoth, kOwn, -1, 0));
  fill(mmap64(nullptr, kBytes, kBoth, kOwn, -1, 0));
  if (mmap(nullptr, kBytes, kBoth, kOwn | MAP_POPULATE, -1, 0) == MAP_FAILED) ++failures;
  fill(mremap(mmap(nullptr, kBytes / 2, kBoth, kOwn, -1, 0), kBytes / 2, kBytes, MREMAP_MAYMOVE));
  void* locked = mmap(nullptr, kBytes, kBoth, kOwn, -1, 0);
  if (mlock(locked, kBytes) != 0) fill(locked);  // not allowed to lock: touch it
  void* later = mmap(nullptr, kBytes, PROT_NONE, kOwn | MAP_NORESERVE, -1, 0);
  mprotect(later, kBytes, kBoth);
  fill(later);
  void* freed = mmap(nullptr, kBytes, kBoth, kOwn, -1, 0);
  fill(freed);
  madvise(freed, kBytes, MADV_DONTNEED);
  munmap(freed, kBytes);
  fill(mmap(nullptr, kBytes, kBoth, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  const int memory = memfd_create("entry_points", 0);
  if (ftruncate(memory, kBytes) != 0) ++failures;
  fill(mmap(nullptr, kBytes, kBoth, MAP_SHARED, memory, 0));
  const int segment = shmget(IPC_PRIVATE, kBytes, IPC_CREAT | 0600);
  fill(shmat(segment, nullptr, 0));
  shmctl(segment, IPC_RMID, nullptr);
}

}  // namespace

int main() {
  fill(sbrk(kBytes));
  by_heap();
  by_new();
  by_mapping();
  usleep(300000);
  return failures;
}
