// Serves faults of its own memory with a userfaultfd of its own, by system call or, with "device", from /dev/userfaultfd.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { kPages = 16 };
static int faults;

static void* serve(void* unused) {
  static char page[4096];
  for (int i = 0; i < kPages; ++i) {
    struct uffd_msg message;
    if (read(faults, &message, sizeof message) != sizeof message) break;
    memset(page, 'A' + i, sizeof page);
    struct uffdio_copy copy = {.dst = message.arg.pagefault.address & ~4095ul, .src = (unsigned long)page, .len = sizeof page};
    if (ioctl(faults, UFFDIO_COPY, &copy) != 0) perror("copy");
  }
  return unused;
}

int main(int count, char** words) {
  char* other = malloc(5 << 20);
  memset(other, 1, 5 << 20);
  char* early = mmap(0, kPages * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (count > 1 && strcmp(words[1], "device") == 0) {
    const int device = open("/dev/userfaultfd", O_RDWR | O_CLOEXEC);
    faults = device < 0 ? -1 : ioctl(device, USERFAULTFD_IOC_NEW, O_CLOEXEC);
  } else {
    faults = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
  }
  if (faults < 0) return puts("none to be had"), 0;
  struct uffdio_api api = {.api = UFFD_API};
  if (ioctl(faults, UFFDIO_API, &api) != 0) return perror("api"), 1;
  struct uffdio_register range = {.range = {(unsigned long)early, kPages * 4096}, .mode = UFFDIO_REGISTER_MODE_MISSING};
  if (ioctl(faults, UFFDIO_REGISTER, &range) != 0) return printf("register: %s\n", strerror(errno)), 1;
  pthread_t thread;
  pthread_create(&thread, 0, serve, 0);
  for (int i = 0; i < kPages; ++i) putchar(early[i * 4096]);
  puts("");
  pthread_join(thread, 0);
  char* later = malloc(20 << 20);
  memset(later, 2, 20 << 20);
  return later[77] + other[9] - 3;
}
