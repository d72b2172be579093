// Measures how fast this machine is: page faults, page touches, a loop of arithmetic, and each disk with O_DIRECT.
//
// Medians, and the best of several passes: the machine that emulates this one may be busy with other things.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guest.h"

enum { kPage = 4096, kBig = 128 << 10, kRegion = 8 << 20, kPasses = 5 };

static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

static double median(double *values, int count) {
  qsort(values, (size_t)count, sizeof *values, ascending);
  return values[count / 2];
}

static double touch_ns(volatile char *region) {
  const double start = now_s();
  for (size_t at = 0; at < kRegion; at += kPage) *(volatile uint64_t *)(region + at) = at;
  return (now_s() - start) * 1e9 / (kRegion / kPage);
}

static void faults_and_touches(double *fault_ns, double *touch) {
  double faults[kPasses], touches[kPasses];
  for (int pass = 0; pass < kPasses; ++pass) {
    char *region = mmap(0, kRegion, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (region == MAP_FAILED) die("no memory to calibrate with");
    madvise(region, kRegion, MADV_NOHUGEPAGE);
    faults[pass] = touch_ns(region);
    touches[pass] = touch_ns(region);
    munmap(region, kRegion);
  }
  *fault_ns = median(faults, kPasses);
  *touch = median(touches, kPasses);
}

static double cpu_loop_s(void) {
  double seconds[3];
  for (int pass = 0; pass < 3; ++pass) {
    volatile uint64_t a = 1;
    const double start = now_s();
    for (int i = 0; i < 20000000; ++i) a = a * 3 + 1;
    seconds[pass] = now_s() - start;
  }
  return median(seconds, 3);
}

// One request at a time; 4 KiB at random places, 128 KiB in a row. Leaves the first MiB (a swap header) alone.
static double request_us(int fd, char *buffer, int writing, size_t size, off_t span) {
  enum { kRequests = 48 };
  double taken[kRequests];
  uint64_t random = 88172645463325252u;
  for (int i = 0; i < kRequests; ++i) {
    random ^= random << 13, random ^= random >> 7, random ^= random << 17;
    const off_t slots = (span - (1 << 20)) / (off_t)size;
    const off_t at = (1 << 20) + (size == kPage ? (off_t)(random % (uint64_t)slots) : i % slots) * (off_t)size;
    const double start = now_s();
    const ssize_t done = writing ? pwrite(fd, buffer, size, at) : pread(fd, buffer, size, at);
    if (done != (ssize_t)size) die("cannot calibrate a disk");
    taken[i] = (now_s() - start) * 1e6;
  }
  return median(taken, kRequests);
}

static int disk_json(char *out, size_t size, const char *name, int fd, off_t span) {
  char *buffer = mmap(0, kBig, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  // A word per page, as memload leaves them: zram has to compress these, which it need not where all words are equal.
  for (size_t at = 0; at < kBig; at += kPage) buffer[at] = 7;
  const double write_big = request_us(fd, buffer, 1, kBig, span), read_big = request_us(fd, buffer, 0, kBig, span);
  const double write_small = request_us(fd, buffer, 1, kPage, span),
               read_small = request_us(fd, buffer, 0, kPage, span);
  munmap(buffer, kBig);
  return snprintf(out, size,
                  ", \"%s\": {\"read_4k_us\": %.1f, \"write_4k_us\": %.1f, \"read_128k_us\": %.1f, "
                  "\"write_128k_us\": %.1f}",
                  name, read_small, write_small, read_big, write_big);
}

void calibrate(void) {
  char text[1024], path[128];
  double fault_ns, touch;
  faults_and_touches(&fault_ns, &touch);
  int length =
      snprintf(text, sizeof text, "{\"page_fault_ns\": %.0f, \"page_touch_ns\": %.1f, \"cpu_loop_20m_s\": %.4f",
               fault_ns, touch, cpu_loop_s());
  if (job.swap_count) {  // not in use yet; with several, the first in the order of use stands for all
    const int fd = open(job.swaps[0], O_RDWR | O_DIRECT);
    if (fd < 0) die("cannot open the swap disk");
    length += disk_json(text + length, sizeof text - (size_t)length, "swap", fd, lseek(fd, 0, SEEK_END));
    close(fd);
  }
  if (job.zram_mb && !job.swap_count) {
    const off_t span = 8 << 20;
    if (write_file("/sys/block/zram0/disksize", "8M")) die("zram0/disksize");
    const int fd = open("/dev/zram0", O_RDWR | O_DIRECT);
    if (fd < 0) die("cannot open zram0");
    length += disk_json(text + length, sizeof text - (size_t)length, "swap", fd, span);
    close(fd);
    if (write_file("/sys/block/zram0/reset", "1")) die("zram0/reset");
  }
  if (*job.data_disk) {
    snprintf(path, sizeof path, "%s/data/.calibration", job.root);
    const off_t span = 8 << 20;
    const int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_DIRECT, 0600);
    if (fd < 0 || posix_fallocate(fd, 0, span)) die("cannot make the calibration file");
    length += disk_json(text + length, sizeof text - (size_t)length, "disk", fd, span);
    close(fd);
    unlink(path);
  }
  length += snprintf(text + length, sizeof text - (size_t)length, "}\n");
  add_result("host/calibration.json", text, (size_t)length);
}
