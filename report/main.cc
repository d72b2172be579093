// The `oomcast` command: calls the verb that the command line names.
#include <cstdio>
#include <string>
#include <vector>

#include "report/commands/commands.h"
#include "report/console.h"
#include "report/host_command.h"
#include "report/show/show_command.h"

namespace oomcast::report {
namespace {

int command(const std::vector<std::string>& arguments) {
  CommandLine line = parse_command_line(arguments);
  using Verb = CommandLine::Verb;
  switch (line.verb) {
    case Verb::kRun:
      start_log(line.run.log_level);
      return run_command(line.run);
    case Verb::kAttach:
      start_log(line.run.log_level);
      return attach_command(line.run, line.attach);
    case Verb::kReplay:
      start_log(line.run.log_level);
      return replay_command(line);
    case Verb::kSweep:
      return sweep_command(line);
    case Verb::kFit:
      start_log(line.run.log_level);
      return fit_command(line);
    case Verb::kCheck:
      return check_command(line.gate);
    case Verb::kDiff:
      return diff_command(line.gate);
    case Verb::kPage:
      return page_command(line.page);
    case Verb::kExport:
      return export_command(line.export_to);
    case Verb::kShow:
      return show_command(line.show);
    case Verb::kExplain:
      return explain_command(line.explain);
    case Verb::kRecordAttached:
      return attached_command(line.hello_socket_fd);
    case Verb::kHostList:
      return print(render_host_list());
    case Verb::kHostShow:
      return host_show_command(line.host_argument, line.run.nth, line.json);
    case Verb::kHostCapture:
      return host_capture_command(line.host_argument, line.host_file);
    case Verb::kDoctor:
      return doctor_command();
    case Verb::kNothing:
      break;
  }
  if (!line.error.empty()) std::fprintf(stderr, "%s\n", line.error.c_str());
  if (const int failed = line.text.empty() ? 0 : print(line.text); failed != 0) return failed;
  return line.status;
}

}  // namespace
}  // namespace oomcast::report

int main(int argc, char** argv) {
  oomcast::report::open_standard_streams();
  return oomcast::report::command({argv + 1, argv + argc});
}
