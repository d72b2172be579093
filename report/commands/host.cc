// The verbs `host show` and `host capture`. `host list` needs nothing but text: host_command.h.
#include <filesystem>

#include "model/host/read_host.h"
#include "preload/record/recorder.h"
#include "report/commands/commands.h"
#include "report/commands/target_host.h"
#include "report/console.h"
#include "report/host_command.h"

namespace oomcast::report {

int host_show_command(const std::string& name, bool json) {
  auto spec = read_any_host(name);
  if (!spec) return fail(kExitUsage, spec.error().message);
  return print(json ? host::to_json(spec.value()) : render_host(spec.value()));
}

int host_capture_command(const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error)
    return fail(kExitUsage, "host capture: " + directory + ": " + error.message() + "; choose another directory");
  if (auto taken = record::snapshot_this_machine(directory); !taken) return fail(kExitUsage, taken.error().message);
  return print("This machine is described in " + directory + "; try: oomcast run --host " + directory +
               " -- PROGRAM ARGS...\n");
}

}  // namespace oomcast::report
