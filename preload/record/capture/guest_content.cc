// Which pages of a guest have content other than zeroes: reads of /proc/PID/mem, several pages with one call.
#include "preload/record/capture/guest_content.h"

#include <errno.h>
#include <unistd.h>

#include <cstring>

namespace oomcast::record {
namespace {

constexpr uint64_t kPagesAtOnce = 32;

bool all_zero(const char* bytes, size_t count) {
  return bytes[0] == 0 && std::memcmp(bytes, bytes + 1, count - 1) == 0;
}

uint64_t pages_from(int mem_fd, uint64_t start, uint64_t bytes, char* out) {
  ssize_t got;
  do got = ::pread(mem_fd, out, bytes, static_cast<off_t>(start));
  while (got < 0 && errno == EINTR);
  return got > 0 ? static_cast<uint64_t>(got) / kPage : 0;
}

}  // namespace

std::vector<bool> GuestContent::of(int mem_fd, const PageStates& pages, PageBit bit, uint64_t start, uint64_t end) {
  buffer_.resize(kPagesAtOnce * kPage);
  std::vector<bool> found((end - start) / kPage);
  for (uint64_t at = start; at < end;) {
    uint64_t to = at;
    while (to < end && to - at < kPagesAtOnce * kPage && pages.test(bit, to)) to += kPage;
    if (to == at) {
      at += kPage;
      continue;
    }
    const uint64_t read = pages_from(mem_fd, at, to - at, buffer_.data());
    pages_read_ += read;
    for (uint64_t i = 0; i < read; ++i) found[(at - start) / kPage + i] = !all_zero(buffer_.data() + i * kPage, kPage);
    // The page behind what was read is missing.
    at += (read + 1) * kPage;
    if (at > to) at = to;
  }
  return found;
}

}  // namespace oomcast::record
