// What a verb of the command is: its words in the help, its options, its own checks, and what it does.
//
// A verb lies in the file of its name. commands/verbs.cc lists all of them.
#pragma once

#include <optional>
#include <string>

namespace CLI {
class App;
}

namespace oomcast::report {

struct CommandLine;

/// A usage that the types of the options allow and the verb does not.
struct UsageProblem {
  std::string what;
  std::string to_try = {};  // empty: the help of the verb
};

struct Verb {
  const char* name;                  // "run"; "host show" is below "host"
  const char* about;                 // its line in the list of commands
  const char* usage = nullptr;       // in place of what the options give: "attach PID [options]"
  const char* stray_word = nullptr;  // what to say of a word too many when there is no "--"
  /// Adds options that store into `line`, and the text at the end of the help.
  void (*add_options)(CLI::App& app, CommandLine& line) = nullptr;
  /// Completes what the options have stored. Called after all options were read.
  std::optional<UsageProblem> (*check)(const CLI::App& app, CommandLine& line) = nullptr;
  /// Prints its errors and returns the exit status. Null if a verb below it has to be named.
  int (*command)(const CommandLine& line) = nullptr;
};

}  // namespace oomcast::report
