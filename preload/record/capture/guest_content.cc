// Which pages of a guest have content other than zeroes: reads of /proc/PID/mem, several pages with one call.
#include "preload/record/capture/guest_content.h"

#include <cstring>

namespace oomcast::record {
namespace {

constexpr uint64_t kPagesAtOnce = 32;

bool all_zero(const char* bytes, size_t count) {
  return bytes[0] == 0 && std::memcmp(bytes, bytes + 1, count - 1) == 0;
}

}  // namespace

std::vector<bool> GuestContent::of(const MemoryView& memory, const PageStates& pages, PageBit bit, uint64_t start,
                                   uint64_t end) {
  buffer_.resize(kPagesAtOnce * kPage);
  std::vector<bool> found((end - start) / kPage);
  for (uint64_t at = start; at < end;) {
    uint64_t to = at;
    while (to < end && to - at < kPagesAtOnce * kPage && pages.test(bit, to)) to += kPage;
    if (to == at) {
      at += kPage;
      continue;
    }
    const uint64_t read = memory.read(at, buffer_.data(), to - at) / kPage;
    pages_read_ += read;
    for (uint64_t i = 0; i < read; ++i) found[(at - start) / kPage + i] = !all_zero(buffer_.data() + i * kPage, kPage);
    // The page behind what was read is missing.
    at += (read + 1) * kPage;
    if (at > to) at = to;
  }
  return found;
}

}  // namespace oomcast::record
