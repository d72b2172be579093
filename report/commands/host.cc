// The verbs `host list`, `host show` and `host capture`. The words of list and show are in host_command.h.
#include <filesystem>

#include "model/spec/read_host.h"
#include "model/spec/snapshot/packed_snapshot.h"
#include "preload/record/recorder.h"
#include "report/commands/commands.h"
#include "report/commands/target_host.h"
#include "report/console.h"
#include "report/host_command.h"
#include "report/shared_options.h"
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

void add_show_options(CLI::App& app, CommandLine& line) {
  app.add_option("HOST", line.host_argument,
                 "Snapshot (directory or file), JSON file, kernel log with an OOM report, preset name, or 'this'")
      ->required();
  add_nth_option(app, line.run.nth, "Which OOM kill of a kernel log, from 1 (default: the last)");
  app.add_flag("--json", line.json, "As a host file to edit and pass to --host");
}

int show(const CommandLine& line) {
  auto spec = read_any_host(line.host_argument, line.run.nth);
  if (!spec) return fail(kExitUsage, spec.error().message);
  return print(line.json ? host::to_json(spec.value()) : render_host(spec.value()));
}

void add_capture_options(CLI::App& app, CommandLine& line) {
  CLI::Option* into = app.add_option("DIR", line.host_argument, "A directory, made if missing");
  app.add_option("--file", line.host_file, "All in one text file instead ('-': to the output), to mail or to commit")
      ->excludes(into);
}

std::optional<UsageProblem> check_capture(const CLI::App&, CommandLine& line) {
  if (line.host_argument.empty() && line.host_file.empty()) return UsageProblem{"give a DIR or --file FILE"};
  return std::nullopt;
}

}  // namespace

constinit const Verb kHostVerb = {
    .name = "host",
    .about = "Describe hosts",
    .usage = "host list | show HOST [--nth N] [--json] | capture DIR | --file FILE",
    .add_options = [](CLI::App& app, CommandLine&) { app.require_subcommand(1); },
};

constinit const Verb kHostListVerb = {
    .name = "host list",
    .about = "The built-in presets",
    .command = [](const CommandLine&) { return print(render_host_list()); },
};

constinit const Verb kHostShowVerb = {
    .name = "host show",
    .about = "What the model knows of a host",
    .add_options = add_show_options,
    .command = show,
};

constinit const Verb kHostCaptureVerb = {
    .name = "host capture",
    .about = "Save this machine's description",
    .add_options = add_capture_options,
    .check = check_capture,
    .command =
        [](const CommandLine& line) {
          return line.host_file.empty() ? capture_directory(line.host_argument) : capture_file(line.host_file);
        },
};

}  // namespace oomcast::report
