// The `oomcast` command: calls the verb that the command line names.
#include <cstdio>
#include <string>
#include <vector>

#include "report/command_line.h"
#include "report/commands/commands.h"
#include "report/commands/verbs.h"
#include "report/console.h"

namespace oomcast::report {
namespace {

int command(const std::vector<std::string>& arguments) {
  const CommandLine line = parse_command_line(kVerbs, arguments);
  if (line.verb != nullptr) return line.verb->command(line);
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
