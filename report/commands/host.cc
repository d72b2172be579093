// The verbs `host show` and `host capture`. `host list` is in host_command.h.
#include <filesystem>

#include "model/spec/read_host.h"
#include "model/spec/snapshot/packed_snapshot.h"
#include "preload/record/recorder.h"
#include "report/commands/commands.h"
#include "report/commands/target_host.h"
#include "report/console.h"
#include "report/host_command.h"
#include "report/text_output.h"

namespace oomcast::report {

namespace {

int captured(const std::string& where) {
  return print("This machine is described in " + where + "; try: oomcast run --host " + where +
               " -- PROGRAM ARGS...\n");
}

int capture_directory(const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error)
    return fail(kExitUsage, "host capture: " + directory + ": " + error.message() + "; choose another directory");
  if (auto taken = record::snapshot_this_machine(directory); !taken) return fail(kExitUsage, taken.error().message);
  return captured(directory);
}

int capture_file(const std::string& file) {
  const auto text = host::pack_snapshot(record::files_of_this_machine());
  if (!text) return fail(kExitUsage, "host capture: " + text.error().message);
  if (file == "-") return write_text(text.value(), "", 0);
  const int failed = write_text(text.value(), file, 0, "--file");
  return failed != 0 ? failed : captured(file);
}

}  // namespace

int host_show_command(const std::string& name, std::optional<int> nth, bool json) {
  auto spec = read_any_host(name, nth);
  if (!spec) return fail(kExitUsage, spec.error().message);
  return print(json ? host::to_json(spec.value()) : render_host(spec.value()));
}

int host_capture_command(const std::string& directory, const std::string& file) {
  return file.empty() ? capture_directory(directory) : capture_file(file);
}

}  // namespace oomcast::report
