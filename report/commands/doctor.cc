// The verb `doctor`: what this machine allows, and the command that would allow more.
#include "preload/record/recorder.h"
#include "report/commands/commands.h"
#include "report/console.h"

namespace oomcast::report {

int doctor_command() {
  record::Capabilities capabilities = record::probe();
  std::string text;
  for (const std::string& line : capabilities.lines) text += line + "\n";
  return print(text);
}

}  // namespace oomcast::report
