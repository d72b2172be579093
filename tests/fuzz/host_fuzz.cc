// Feeds any bytes at all to the readers of a host: none may crash them, or pass as a host that contradicts itself.
//
// The first byte chooses the reader: 'J' reads the rest as oomcast.host.v1, anything else as a packed snapshot. What is
// accepted has to be valid and to survive being written and read again; what is unpacked, to be the same packed again.
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "model/base/check.h"
#include "model/spec/json/json_host.h"
#include "model/spec/read_host.h"
#include "model/spec/snapshot/packed_snapshot.h"
#include "model/spec/snapshot/read_snapshot.h"

namespace {

using namespace oomcast;

void check(const Result<host::HostSpec>& result) {
  if (!result) {
    OOMCAST_CHECK(!result.error().message.empty());
    OOMCAST_CHECK(result.error().message.find('\n') == std::string::npos);
    return;
  }
  OOMCAST_CHECK(host::validate(result.value()));
  const std::string once = host::to_json(result.value());
  const auto again = host::parse_json(once, "again", "fuzz");
  OOMCAST_CHECK(again.ok());
  OOMCAST_CHECK(host::to_json(again.value()) == once);
}

void check_packed(std::string_view text) {
  auto snapshot = host::unpack_snapshot(text, "fuzz.snapshot");
  if (!snapshot) return check(snapshot.error());
  const auto packed = host::pack_snapshot(snapshot->files);
  OOMCAST_CHECK(packed.ok());
  const auto again = host::unpack_snapshot(packed.value(), "again.snapshot");
  OOMCAST_CHECK(again.ok());
  OOMCAST_CHECK(again.value().files == snapshot->files);
  check(host::parse_snapshot(std::move(snapshot).value()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (text.empty()) return 0;
  if (text.front() == 'J')
    check(host::parse_json(text.substr(1), "fuzz.json", "fuzz"));
  else
    check_packed(text);
  return 0;
}
