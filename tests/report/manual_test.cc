// The man page names each command and each option that the help names, and no other.
#include <gmock/gmock.h>
#include <oomcast_paths.h>

#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "report/command_line.h"
#include "report/commands/verbs.h"

namespace oomcast::report {
namespace {

using testing::IsSubsetOf;
using testing::IsSupersetOf;

using Words = std::vector<std::string>;

/// The commands that the help of `command` lists below "Subcommands:", and those below each of them.
std::vector<Words> commands_below(const Words& command) {
  Words asked = command;
  asked.push_back("--help");
  std::istringstream help(parse_command_line(kVerbs, asked).text);
  std::string line;
  while (std::getline(help, line) && !line.starts_with("Subcommands:")) {
  }
  std::vector<Words> found;
  static const std::regex listed("  ([a-z-]+) .*");
  for (std::smatch match; std::getline(help, line) && !line.empty();) {
    if (!std::regex_match(line, match, listed)) continue;
    Words one = command;
    one.push_back(match[1]);
    const std::vector<Words> below = commands_below(one);
    if (below.empty()) found.push_back(one);
    found.insert(found.end(), below.begin(), below.end());
  }
  return found;
}

/// The options of oomcast in a text. What follows "--" in an example is the program's.
std::set<std::string> options_in(const std::string& whole) {
  const std::string text = std::regex_replace(whole, std::regex(" -- [^\n]*"), "");
  static const std::regex option("(^|[^-a-z])(--[a-z][a-z-]*)");
  std::set<std::string> found;
  for (std::sregex_iterator at(text.begin(), text.end(), option), end; at != end; ++at) found.insert((*at)[2]);
  return found;
}

/// The page without its fonts and with plain hyphens.
std::string manual() {
  std::ifstream in(OOMCAST_SOURCE_DIR "/report/oomcast.1");
  const std::string page{std::istreambuf_iterator<char>(in), {}};
  return std::regex_replace(std::regex_replace(page, std::regex(R"(\\f[BIR])"), ""), std::regex(R"(\\-)"), "-");
}

std::set<std::string> options_of_the_help() {
  std::set<std::string> all = {"--help", "--version"};
  for (Words command : commands_below({})) {
    command.push_back("--help");
    const std::string help = parse_command_line(kVerbs, command).text;
    EXPECT_FALSE(help.empty()) << command[0];
    for (const std::string& option : options_in(help)) all.insert(option);
  }
  return all;
}

TEST(Manual, NamesEachOptionOfTheHelpAndNoOther) {
  const std::set<std::string> helped = options_of_the_help(), documented = options_in(manual());
  EXPECT_GT(helped.size(), 40u);
  EXPECT_THAT(helped, IsSubsetOf(documented)) << "add it to report/oomcast.1";
  EXPECT_THAT(documented, IsSubsetOf(helped)) << "no command has such an option";
}

TEST(Manual, NamesEachCommand) {
  const std::string page = manual();
  const std::vector<Words> commands = commands_below({});
  EXPECT_THAT(commands, IsSupersetOf({Words{"run"}, Words{"host", "capture"}}));
  for (const Words& command : commands) {
    const std::string name = "oomcast " + command[0];
    EXPECT_NE(page.find(name), std::string::npos) << name;
    if (command.size() > 1) {
      EXPECT_NE(page.find(name + " " + command[1]), std::string::npos) << name << " " << command[1];
    }
  }
}

}  // namespace
}  // namespace oomcast::report
