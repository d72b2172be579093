// Uses one file in every way that the capture tells apart, and checks the result of each call.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static char bytes[65536];

static int expect(long got, long wanted, int error) { return got == wanted && errno == error; }

int main(int count, char** arguments) {
  if (count < 2) return 2;
  int pipe_ends[2];
  if (pipe(pipe_ends) != 0) return 3;
  errno = ELOOP;  // must still stand after calls that succeed
  const int fd = open(arguments[1], O_CREAT | O_TRUNC | O_RDWR, 0600);
  if (fd < 0 || errno != ELOOP) return 4;
  if (!expect(write(fd, bytes, 65536), 65536, ELOOP)) return 5;
  if (!expect(write(fd, bytes, 10000), 10000, ELOOP)) return 6;
  if (!expect(pread(fd, bytes, 8192, 4096), 8192, ELOOP)) return 7;
  struct iovec parts[2] = {{bytes, 100}, {bytes + 100, 20000}};
  if (!expect(pwritev(fd, parts, 2, 131072), 20100, ELOOP)) return 8;
  if (!expect(fsync(fd), 0, ELOOP)) return 9;
  // Through the pipe: nothing of it belongs to a file.
  if (!expect(write(pipe_ends[1], bytes, 5000), 5000, ELOOP)) return 10;
  if (!expect(read(pipe_ends[0], bytes, 5000), 5000, ELOOP)) return 11;
  // The number of a file now stands for the pipe, and must be known as one.
  if (!expect(dup2(pipe_ends[1], fd), fd, ELOOP)) return 12;
  if (!expect(write(fd, bytes, 6000), 6000, ELOOP)) return 13;
  if (!expect(close(fd), 0, ELOOP)) return 14;
  const int again = open(arguments[1], O_RDONLY);
  if (again < 0) return 15;
  // Small steps: one note a page.
  for (int i = 0; i < 1024; ++i)
    if (!expect(read(again, bytes, 8), 8, ELOOP)) return 16;
  if (!expect(lseek(again, 0, SEEK_END), 151172, ELOOP)) return 17;
  if (!expect(read(again, bytes, 8), 0, ELOOP)) return 18;
  if (!expect(write(again, bytes, 8), -1, EBADF)) return 19;
  errno = 0;
  if (!expect(read(9999, bytes, 8), -1, EBADF)) return 20;
  close(again);
  errno = 0;
  const int last = open(arguments[1], O_WRONLY | O_APPEND);
  if (!expect(write(last, bytes, 30), 30, 0)) return 21;
  if (!expect(ftruncate(last, 4096), 0, 0)) return 22;
  close(last);
  return 0;
}
