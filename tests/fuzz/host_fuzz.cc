// Can any bytes at all crash the readers of a host, or pass as a host that contradicts itself?
//
// The first byte chooses the reader: 'J' reads the rest as oomcast.host.v1, anything else as a snapshot whose files are
// each led by a line "=== PATH". What is accepted has to be valid and to survive being written and read again.
#include <cstdint>
#include <string>
#include <string_view>

#include "model/base/check.h"
#include "model/host/json_host.h"
#include "model/host/read_host.h"
#include "model/host/read_snapshot.h"

namespace {

using namespace oomcast;

host::SnapshotFiles split(std::string_view text) {
  constexpr std::string_view kMark = "=== ";
  host::SnapshotFiles snapshot;
  snapshot.name = "fuzz";
  std::string* file = nullptr;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end == std::string_view::npos ? text.size() : end + 1);
    text.remove_prefix(line.size());
    if (line.starts_with(kMark)) {
      std::string path(line.substr(kMark.size()));
      if (path.ends_with('\n')) path.pop_back();
      file = &snapshot.files[path];
    } else if (file) {
      file->append(line);
    }
  }
  return snapshot;
}

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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (text.empty()) return 0;
  if (text.front() == 'J')
    check(host::parse_json(text.substr(1), "fuzz.json", "fuzz"));
  else
    check(host::parse_snapshot(split(text)));
  return 0;
}
