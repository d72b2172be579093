// Reads the words to complete out of the command's grammar: its commands, their options and the values of each option.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace oomcast::report {

/// The words that a shell can offer where a value is due.
struct ValueWords {
  enum class Kind { kAnything, kFile, kDirectory, kHost, kProcess, kChoice };
  Kind kind = Kind::kAnything;
  std::string name;                  // as in the help: "HOST"
  std::vector<std::string> choices;  // kChoice: all values; kHost: names that are offered beside the files
};

struct OptionWords {
  std::vector<std::string> names;  // -q and --quiet, with the dashes
  std::string about;
  bool takes_value = false;
  bool repeatable = false;
  ValueWords value;  // valid if takes_value
};

struct CommandWords {
  std::string path;  // "", "run", "host show"
  std::string about;
  std::vector<OptionWords> options;
  bool takes_arguments = false;
  ValueWords argument;  // of each argument; valid if takes_arguments
  std::vector<CommandWords> commands;

  /// Returns the last word of the path: "show".
  std::string name() const { return path.substr(path.rfind(' ') + 1); }
};

/// Returns the subcommands of `app` that the help shows.
std::vector<const CLI::App*> shown_commands(const CLI::App& app);

/// Returns the whole tree of commands, without the commands and options that the help hides.
CommandWords command_words(const CLI::App& app);

}  // namespace oomcast::report
