// Feeds any bytes at all to the reader of a sweep's parts: none may crash it, and what it takes is written back the
// same.
#include <cstdint>
#include <string>
#include <string_view>

#include "model/base/check.h"
#include "report/fleet/part_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace oomcast::report;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto part = parse_part_file(text);
  if (!part) {
    OOMCAST_CHECK(part.error().message.find('\n') == std::string::npos);
    return 0;
  }
  const auto again = parse_part_file(part_text(part.value()));
  OOMCAST_CHECK(again.ok());
  OOMCAST_CHECK(part_text(again.value()) == part_text(part.value()));
  return 0;
}
