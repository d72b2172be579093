// Keeps the guest's results until the run is over: in locked memory; then on a raw disk, past any cache.
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guest.h"

static char *results;
static size_t capacity, used;
static char notes[8192];
static size_t notes_used;

void prepare_results(size_t size) {
  results = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | MAP_LOCKED, -1, 0);
  if (results == MAP_FAILED) die("no memory for the results");
  memset(results, 0, size);
  capacity = size;
}

// A result is "FILE name size\n" and then its bytes; "END\n" follows the last.
void add_result(const char *name, const void *data, size_t size) {
  char header[256];
  const int length = snprintf(header, sizeof header, "FILE %s %zu\n", name, size);
  const size_t needed = used + (size_t)length + size + (128 << 10);  // the end is written in chunks of this size
  if (needed > capacity) {                                           // only once the run is over: the samples
    results = mremap(results, capacity, needed, MREMAP_MAYMOVE);
    if (results == MAP_FAILED) die("no memory for the results");
    capacity = needed;
  }
  memcpy(results + used, header, (size_t)length);
  memcpy(results + used + length, data, size);
  used += (size_t)length + size;
}

void add_note(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int length = vsnprintf(notes + notes_used, sizeof notes - notes_used, format, arguments);
  va_end(arguments);
  if (length > 0 && notes_used + (size_t)length < sizeof notes) notes_used += (size_t)length;
}

void write_results(const char *device) {
  add_result("exits", notes, notes_used);
  memcpy(results + used, "END\n", 4);
  used += 4;
  const int fd = open(device, O_WRONLY | O_DIRECT);
  if (fd < 0) die("cannot open the results disk");
  const size_t chunk = 128 << 10;
  for (size_t at = 0; at < used; at += chunk) {
    if (pwrite(fd, results + at, chunk, (off_t)at) != (ssize_t)chunk) die("cannot write the results");
  }
  fsync(fd);
  close(fd);
}
