// Gives the kernel pointers that lead nowhere, and prints what it answers. bad_pointers
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define SAY(call) do { errno = 0; long got = (long)(call); printf("%s = %ld, errno %d\n", #call, got, errno); } while (0)

static void try_all(const char* bad) {
  void* hole = (void*)bad;
  SAY(open(bad, O_RDONLY));
  SAY(open64(bad, O_RDONLY));
  SAY(openat(AT_FDCWD, bad, O_RDONLY));
  SAY(openat64(AT_FDCWD, bad, O_WRONLY));
  SAY(creat(bad, 0600));
  SAY(fopen(bad, "r"));
  SAY(fopen64(bad, "w"));
  SAY(access(bad, R_OK));
  struct stat status;
  SAY(stat(bad, &status));
  SAY(stat("/", hole));
  char name[64];
  SAY(readlink(bad, name, sizeof name));
  int zero = open("/dev/zero", O_RDONLY), file = open("/proc/self/exe", O_RDONLY), null = open("/dev/null", O_WRONLY);
  SAY(read(zero, hole, 10));
  SAY(pread(file, hole, 10, 0));
  SAY(readv(zero, hole, 1));
  SAY(preadv(file, hole, 1, 0));
  SAY(writev(null, hole, 1));
  SAY(sendfile(null, file, hole, 100));
  SAY(copy_file_range(file, hole, null, hole, 100, 0));
  SAY(pipe2(hole, 0));
  SAY(setrlimit(RLIMIT_DATA, hole));
  SAY(prlimit(0, RLIMIT_STACK, hole, 0));
  SAY(sched_getaffinity(0, 128, hole));
  SAY(sched_setaffinity(0, 128, hole));
  SAY(syscall(SYS_mbind, 0, 4096, 2, hole, 64, 0));
  SAY(syscall(SYS_set_mempolicy, 2, hole, 64));
  SAY(process_madvise(-1, hole, 1, MADV_COLD, 0));
  SAY(execve(bad, (char*[]){"x", 0}, environ));
  SAY(execve("/bin/true", hole, environ));
  SAY(execve("/bin/true", (char*[]){"x", 0}, hole));
  SAY(execve("/bin/true", (char*[]){"x", 0}, (char*[]){hole, 0}));
  SAY(munmap(hole, 4096));
  SAY(madvise((void*)((long)hole & ~4095l), 4096, MADV_DONTNEED));
  SAY(mremap((void*)((long)hole & ~4095l), 4096, 8192, MREMAP_MAYMOVE));
  close(zero);
  close(file);
  close(null);
}

int main(void) {
  char* kept = malloc(3 << 20);
  memset(kept, 1, 3 << 20);
  try_all((const char*)0x10);
  // The name begins where it can be read, and does not end there.
  char* pages = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  munmap(pages + 4096, 4096);
  memcpy(pages + 4096 - 6, "/proc/", 6);
  SAY(open(pages + 4096 - 6, O_RDONLY));
  SAY(fopen(pages + 4096 - 6, "r"));
  SAY(openat(AT_FDCWD, pages + 4096 - 6, O_RDONLY));
  return kept[5];
}
