// Reads a command line by the table of verbs. Whatever follows the first `--` is the program's and is never looked at.
#include "report/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <utility>

#include "report/command_examples.h"
#include "report/commit.h"
#include "report/completion/command_words.h"

namespace oomcast::report {
namespace {

using Verbs = std::span<const Verb* const>;
using Words = std::vector<std::string>;

/// "", "run", "host show".
std::string path_of(const CLI::App& app) {
  if (app.get_parent() == nullptr) return "";
  const std::string above = path_of(*app.get_parent());
  return above.empty() ? app.get_name() : above + " " + app.get_name();
}

std::string first_word(const std::string& path) { return path.substr(0, path.find(' ')); }

/// Without CLI11's ":INT in [0 - 99]" after each option, and with the usage lines that it cannot know.
class Help : public CLI::Formatter {
 public:
  explicit Help(Verbs verbs) : verbs_(verbs) { column_width(26); }
  std::string make_option_opts(const CLI::Option* option) const override {
    const std::string type = option->get_type_name();
    return option->get_type_size() == 0 ? "" : " " + type.substr(0, type.find(':'));
  }
  std::string make_usage(const CLI::App* app, std::string name) const override {
    for (const Verb* verb : verbs_)
      if (verb->usage != nullptr && path_of(*app) == verb->name)
        return "Usage: oomcast " + std::string(verb->usage) + "\n";
    return CLI::Formatter::make_usage(app, name);
  }

 private:
  Verbs verbs_;
};

/// The verbs and the part of the grammar that each of them is.
using Offered = std::vector<std::pair<const Verb*, const CLI::App*>>;

Offered offer(Verbs verbs, CLI::App& app, CommandLine& line) {
  Offered offered;
  for (const Verb* verb : verbs) {
    const std::string path = verb->name;
    const bool below = path.find(' ') != std::string::npos;
    CLI::App& above = below ? *app.get_subcommand(first_word(path)) : app;
    CLI::App* one = above.add_subcommand(path.substr(path.find(' ') + 1), verb->about);
    if (verb->add_options != nullptr) verb->add_options(*one, line);
    offered.emplace_back(verb, one);
  }
  return offered;
}

/// What was asked for, in so far as an error can name it.
struct Asked {
  const Verb* verb = nullptr;  // null: the first word is none that the help shows
  bool has_dashes = false;

  std::string prefix() const { return verb ? std::string(verb->name) + ": " : ""; }
  std::string help() const { return verb ? "oomcast " + first_word(verb->name) + " --help" : "oomcast --help"; }
};

Asked asked_by(const Words& ours, const Offered& offered, bool has_dashes) {
  for (const auto& [verb, app] : offered)
    if (!ours.empty() && ours.front() == verb->name && !app->get_group().empty()) return {verb, has_dashes};
  return {nullptr, has_dashes};
}

CommandLine usage_error(const std::string& what, const std::string& to_try) {
  CommandLine line;
  line.error = "oomcast: " + what + "; try '" + to_try + "'";
  line.status = kExitUsage;
  return line;
}

CommandLine parse_error(const CLI::ParseError& error, const Asked& asked) {
  std::string what = asked.prefix() + first_line(error.what());
  const bool stray = dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr;
  if (stray && asked.verb && asked.verb->stray_word && !asked.has_dashes)
    what += " (" + std::string(asked.verb->stray_word) + ")";
  return usage_error(what, asked.help());
}

/// Reads `ours` into the variables of the options. Returns a finished line if that is all: --help, --version, mistakes.
std::optional<CommandLine> read(CLI::App& app, const Words& ours, const Asked& asked) {
  CommandLine line;
  try {
    // CLI11 takes arguments back to front.
    app.parse(Words(ours.rbegin(), ours.rend()));
    return std::nullopt;
  } catch (const CLI::CallForHelp&) {
    const CLI::App* helped = &app;
    for (const CLI::App* one : shown_commands(app))
      if (one->parsed()) helped = one;
    line.text = helped->help();
  } catch (const CLI::CallForVersion& version) {
    line.text = std::string(version.what()) + "\n";
  } catch (const CLI::ParseError& error) {
    return parse_error(error, asked);
  }
  return line;
}

}  // namespace

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

CommandLine parse_command_line(Verbs verbs, const Words& arguments) {
  CommandLine line;
  const auto dashes = std::find(arguments.begin(), arguments.end(), "--");
  const Words ours(arguments.begin(), dashes);
  const bool has_dashes = dashes != arguments.end();
  if (has_dashes) line.run.recorder.command.assign(dashes + 1, arguments.end());

  CLI::App app("Forecasts what a program's memory behaviour would do to another Linux host.", "oomcast");
  app.set_version_flag("--version,-V", std::string("oomcast ") + OOMCAST_VERSION + " (commit " + built_commit() + ")");
  app.require_subcommand(0, 1);
  app.formatter(std::make_shared<Help>(verbs));
  app.footer(kExamples);
  const Offered offered = offer(verbs, app, line);
  const Asked asked = asked_by(ours, offered, has_dashes);
  if (auto finished = read(app, ours, asked)) return *std::move(finished);

  // The last one, because "host" is read along with "host show".
  const auto named = std::find_if(offered.rbegin(), offered.rend(), [](const auto& each) {
    return each.second->parsed() && each.first->command != nullptr;
  });
  if (named == offered.rend()) return usage_error("no command given", asked.help());
  const auto& [verb, grammar] = *named;
  if (const auto problem = verb->check != nullptr ? verb->check(*grammar, line) : std::nullopt)
    return usage_error(verb->name + (": " + problem->what), problem->to_try.empty() ? asked.help() : problem->to_try);
  line.verb = verb;
  return line;
}

}  // namespace oomcast::report
