// Reads this machine or another one, and applies what the options change. See target_host.h.
#include "report/commands/target_host.h"

#include "model/spec/read_host.h"
#include "model/spec/snapshot/read_snapshot.h"
#include "preload/record/recorder.h"
#include "report/target.h"

namespace oomcast::report {
namespace {

constexpr const char* kThisHost = "this";

/// Never by way of the disk: each start of a program waits for this, and a hundred small files take longer than all the
/// rest.
Result<host::HostSpec> read_this_host() {
  return host::parse_snapshot({kThisHost, kThisHost, record::files_of_this_machine(), {}});
}

}  // namespace

Result<host::HostSpec> read_any_host(const std::string& name) {
  return name == kThisHost ? read_this_host() : host::read_host(name);
}

void number_files(host::HostSpec& spec) {
  const auto number = [](const std::string& path, int64_t& id) {
    if (id == 0) id = static_cast<int64_t>(record::file_number(path));
  };
  for (host::CachedFileSpec& file : spec.page_cache) number(file.file, file.file_id);
  for (host::BackgroundSpec& actor : spec.background) number(actor.file, actor.file_id);
}

Result<host::HostSpec> target_host(const RunOptions& options) {
  auto spec = read_any_host(options.host);
  if (!spec) return spec;
  auto changed = with_changes(std::move(spec).value(), options);
  if (changed) number_files(changed.value());
  return changed;
}

}  // namespace oomcast::report
