// Reads what can be completed out of the grammar of the command: its commands, their options and what may follow each.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace oomcast::report {

/// What a shell can offer where a value is due.
struct ValueWords {
  enum class Kind { kAnything, kFile, kDirectory, kHost, kProcess, kChoice };
  Kind kind = Kind::kAnything;
  std::string name;                  // as in the help: HOST
  std::vector<std::string> choices;  // kChoice: all of them; kHost: names beside the files
};

struct OptionWords {
  std::vector<std::string> names;  // -q and --quiet, the dashes included
  std::string about;
  bool takes_value = false;
  bool repeatable = false;
  ValueWords value;  // if it takes one
};

struct CommandWords {
  std::string path;  // "", "run", "host show"
  std::string about;
  std::vector<OptionWords> options;
  bool takes_arguments = false;
  ValueWords argument;  // of each of its arguments, if it takes any
  std::vector<CommandWords> commands;

  /// Without the commands above: "show".
  std::string name() const { return path.substr(path.rfind(' ') + 1); }
};

/// The commands below one, without those that the help hides.
std::vector<const CLI::App*> shown_commands(const CLI::App& app);

/// Commands and options that the help hides are left out.
CommandWords command_words(const CLI::App& app);

}  // namespace oomcast::report
