// The verb `record-attached`: watches a program that loaded the capture library by itself. Options are in the
// environment.
#include <CLI/CLI.hpp>
#include <cstdlib>

#include "preload/record/recorder.h"
#include "report/commands/commands.h"
#include "report/commands/run_options.h"
#include "report/commands/watched_run.h"
#include "report/console.h"

namespace oomcast::report {
namespace {

const char* environment(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value && *value ? value : otherwise;
}

/// With LD_PRELOAD alone the stderr of this process is /dev/null. So the message also goes to the program's stderr.
int fail_attached(int hello_socket_fd, const std::string& message) {
  record::tell_program(hello_socket_fd, "oomcast: " + message + "\n");
  return fail(kExitUsage, message);
}

void add_options(CLI::App& app, CommandLine& line) {
  app.group("");  // the library calls it: the help does not show it
  app.add_option("FD", line.hello_socket_fd, "Connected socket to the program")->required();
}

int record_attached(const CommandLine& line) {
  const int hello_socket_fd = line.hello_socket_fd;
  record::protect_report();
  auto options = parse_options_text(environment("OOMCAST_OPTIONS", ""));
  if (!options) return fail_attached(hello_socket_fd, options.error().message);
  if (options->present_host || options->recorder.use_mimalloc)
    return fail_attached(
        hello_socket_fd,
        "OOMCAST_OPTIONS: --present-host and --allocator need 'oomcast run': the program runs already");
  start_log(options->log_level);
  options->present_cgroup = false;  // the program has asked for its limits already
  options->host = environment("OOMCAST_HOST", options->host.c_str());
  options->report = environment("OOMCAST_REPORT", options->report.c_str());
  auto places = Places::prepare(options.value());
  if (!places) return fail_attached(hello_socket_fd, places.error().message);
  auto listeners = Listeners::prepare(options.value());
  if (!listeners) return fail_attached(hello_socket_fd, listeners.error().message);
  record::be_killed_last();
  record::hold_signals_for_good();
  const Stopwatch own;
  auto capture = record::attach(hello_socket_fd, recorder_options(options.value()), listeners.value()->sink());
  if (!capture) return fail_attached(hello_socket_fd, capture.error().message);
  return conclude_watched(options.value(), places.value(), *listeners.value(), capture.value(), own.seconds());
}

}  // namespace

constinit const Verb kRecordAttachedVerb = {
    .name = "record-attached",
    .about = "Serves a program that was started with LD_PRELOAD alone",
    .add_options = add_options,
    .command = record_attached,
};

}  // namespace oomcast::report
