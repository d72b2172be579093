// Sets up an io_uring as liburing does, with its queues mapped, and rests. 77: this kernel or this user has none.
#define _GNU_SOURCE
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void) {
  struct io_uring_params params = {0};
  const int fd = (int)syscall(SYS_io_uring_setup, 8, &params);
  if (fd < 0) return 77;
  const size_t bytes = params.sq_off.array + params.sq_entries * sizeof(unsigned);
  if (mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, IORING_OFF_SQ_RING) == MAP_FAILED) return 3;
  usleep(300000);
  return 0;
}
