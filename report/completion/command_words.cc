// Reads the words to complete out of the command's grammar.
#include "report/completion/command_words.h"

#include <map>

#include "model/spec/read_host.h"

namespace oomcast::report {
namespace {

using Kind = ValueWords::Kind;

/// Returns the kind of value that the help names so; kAnything for any other name.
Kind kind_named(const std::string& name) {
  static const std::map<std::string, Kind> kKinds = {
      {"FILE", Kind::kFile},    {"TRACE", Kind::kFile},    {"REPORT", Kind::kFile},
      {"REPORTS", Kind::kFile}, {"LOG", Kind::kFile},      {"HOST", Kind::kHost},
      {"PID", Kind::kProcess},  {"DIR", Kind::kDirectory}, {"DIRECTORY", Kind::kDirectory}};
  const auto found = kKinds.find(name);
  return found == kKinds.end() ? Kind::kAnything : found->second;
}

/// CLI11 appends the choices of CLI::IsMember to the name of the type: "FORM:{text,json}".
std::vector<std::string> choices_in(const std::string& type) {
  const size_t open = type.find(":{"), close = type.rfind('}');
  if (open == std::string::npos || close == std::string::npos) return {};
  return CLI::detail::split(type.substr(open + 2, close - open - 2), ',');
}

ValueWords value_words(const CLI::Option& option, const std::string& command) {
  const std::string type = option.get_type_name();
  ValueWords value;
  value.name = option.get_positional() ? option.get_single_name() : type.substr(0, type.find(':'));
  value.choices = choices_in(type);
  value.kind = value.choices.empty() ? kind_named(value.name) : Kind::kChoice;
  if (value.kind != Kind::kHost) return value;
  value.choices.emplace_back("this");
  if (command == "replay" || command == "sweep" || command == "fit") value.choices.emplace_back("recorded");
  for (const host::Preset& one : host::presets()) value.choices.emplace_back(one.name);
  return value;
}

OptionWords option_words(const CLI::Option& option, const std::string& command) {
  OptionWords words;
  for (const std::string& name : option.get_snames()) words.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) words.names.push_back("--" + name);
  words.about = option.get_description();
  words.takes_value = option.get_items_expected_max() > 0;
  words.repeatable = option.get_expected_max() > 1;
  if (words.takes_value) words.value = value_words(option, command);
  return words;
}

CommandWords words_below(const CLI::App& app, const std::string& path) {
  CommandWords words;
  words.path = path;
  words.about = app.get_description();
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group().empty()) continue;
    if (option->get_positional()) {
      words.takes_arguments = true;
      words.argument = value_words(*option, path);
    } else {
      words.options.push_back(option_words(*option, path));
    }
  }
  for (const CLI::App* command : shown_commands(app))
    words.commands.push_back(words_below(*command, path + (path.empty() ? "" : " ") + command->get_name()));
  return words;
}

}  // namespace

std::vector<const CLI::App*> shown_commands(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App* command) { return !command->get_group().empty(); });
}

CommandWords command_words(const CLI::App& app) { return words_below(app, ""); }

}  // namespace oomcast::report
