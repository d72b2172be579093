// Feeds any bytes at all to the readers of files that people have: archives, Kubernetes nodes. None may crash them,
// give an error of several lines, or pass as a host that contradicts itself.
#include <cstdint>
#include <string>
#include <string_view>

#include "model/base/check.h"
#include "model/spec/json/json_host.h"
#include "model/spec/read_host.h"
#include "report/host_files/archive.h"
#include "report/host_files/host_text.h"
#include "report/host_files/sosreport.h"

namespace {

void check_error(const oomcast::Error& error) {
  OOMCAST_CHECK(!error.message.empty());
  OOMCAST_CHECK(error.message.find('\n') == std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace oomcast;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  // A bomb of a few bytes must be given up at the limit that the caller sets.
  report::ArchiveLimits limits;
  limits.member_bytes = limits.text_bytes = 1 << 16;
  limits.kept_bytes = 1 << 18;
  limits.all_bytes = 1 << 22;
  if (report::is_archive(bytes)) {
    const auto archive = report::read_archive(bytes, "fuzz.tar", report::may_be_of_sosreport, limits);
    if (!archive) return check_error(archive.error()), 0;
    const auto files = report::sosreport_in(archive.value(), "fuzz.tar");
    if (!files) return check_error(files.error()), 0;
    for (const auto& [path, text] : files->files) OOMCAST_CHECK(text.size() <= 1 << 16);
    return 0;
  }
  const auto host = report::host_of_text(bytes, "fuzz", {});
  if (!host) return check_error(host.error()), 0;
  OOMCAST_CHECK(host::validate(host.value()));
  OOMCAST_CHECK(host::parse_json(host::to_json(host.value()), "again", "fuzz").ok());
  return 0;
}
