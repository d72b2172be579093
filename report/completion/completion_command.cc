// The verb `completion`: its option, and the script of the shell.
#include "report/completion/completion_command.h"

#include <CLI/CLI.hpp>

#include "report/command_line.h"
#include "report/completion/completion.h"
#include "report/console.h"

namespace oomcast::report {
namespace {

constexpr const char* kExamples = R"(Examples:
  . <(oomcast completion bash)                     now, or from ~/.bashrc
  oomcast completion zsh > _oomcast                into a folder of $fpath, for compinit

The Debian package installs both.)";

void add_options(CLI::App& app, CommandLine&) {
  app.footer(kExamples);
  app.add_option("SHELL", "bash or zsh")->type_name("TEXT")->required()->check(CLI::IsMember({"bash", "zsh"}));
}

/// The script is made from the whole grammar, which is there while the command line is read.
std::optional<UsageProblem> make_script(const CLI::App& app, CommandLine& line) {
  const CommandWords words = command_words(*app.get_parent());
  line.text = app.get_option("SHELL")->results().front() == "bash" ? bash_completion(words) : zsh_completion(words);
  return std::nullopt;
}

}  // namespace

constinit const Verb kCompletionVerb = {
    .name = "completion",
    .about = "Print the completion of these commands for a shell",
    .add_options = add_options,
    .check = make_script,
    .command = [](const CommandLine& line) { return print(line.text); },
};

}  // namespace oomcast::report
