// The verb `doctor`: what this machine allows, and the command that would allow more.
#include "preload/record/recorder.h"
#include "report/commands/commands.h"
#include "report/console.h"

namespace oomcast::report {
namespace {

int doctor(const CommandLine&) {
  record::Capabilities capabilities = record::probe();
  std::string text;
  for (const std::string& line : capabilities.lines) text += line + "\n";
  return print(text);
}

}  // namespace

constinit const Verb kDoctorVerb = {
    .name = "doctor",
    .about = "What this machine allows, and the command that allows more",
    .command = doctor,
};

}  // namespace oomcast::report
