// The units and manifests in report/commands/examples call oomcast with commands and options that it has.
#include <gmock/gmock.h>
#include <oomcast_paths.h>
#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "report/command_line.h"
#include "report/commands/commands.h"
#include "report/commands/run_options.h"
#include "report/commands/verbs.h"

namespace oomcast::report {
namespace {

const std::string kExamples = OOMCAST_SOURCE_DIR "/report/commands/examples/";

std::string text_of(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> words_in(const std::string& line) {
  std::istringstream in(line);
  return {std::istream_iterator<std::string>(in), {}};
}

/// The arguments of the call of oomcast in a shell script. Numbers stand for the shell's variables and commands.
std::vector<std::string> arguments_in(const std::string& shell) {
  static const std::regex call(R"(oomcast ((?:run|attach|replay|sweep|fit) [^'\n`]*))"),
      filled_in(R"re("\$\$?\([^)]*\)"|"\$[a-z]+")re");
  std::smatch match;
  if (!std::regex_search(shell, match, call)) return {};
  return words_in(std::regex_replace(match[1].str(), filled_in, "4711"));
}

/// The arguments that each container calls oomcast with, directly or in a shell's script.
std::vector<std::vector<std::string>> calls_in_manifest(const std::string& name) {
  const YAML::Node manifest = YAML::LoadFile(kExamples + "kubernetes/" + name);
  const YAML::Node spec =
      manifest["kind"].as<std::string>() == "Pod" ? manifest["spec"] : manifest["spec"]["template"]["spec"];
  std::vector<std::vector<std::string>> calls;
  for (const YAML::Node& container : spec["containers"]) {
    if (!container["command"]) continue;
    auto words = container["command"].as<std::vector<std::string>>();
    for (const YAML::Node& word : container["args"]) words.push_back(word.as<std::string>());
    if (words.front() == "sh")
      calls.push_back(arguments_in(words.back()));
    else
      calls.emplace_back(words.begin() + 1, words.end());
  }
  return calls;
}

CommandLine parsed(const std::vector<std::string>& words) {
  CommandLine line = parse_command_line(kVerbs, words);
  EXPECT_EQ(line.error, "");
  return line;
}

TEST(ServiceExamples, TheUnitAttachesToTheCgroupOfItsService) {
  const std::string unit = text_of(kExamples + "systemd/oomcast-attach@.service");
  const CommandLine line = parsed(arguments_in(unit.substr(unit.find("\nExecStart="))));
  ASSERT_EQ(line.verb, &kAttachVerb);
  EXPECT_TRUE(line.attach.whole_cgroup);
  EXPECT_EQ(line.attach.for_s, 600);
  EXPECT_EQ(line.run.trace, "%i.trace");
}

TEST(ServiceExamples, TheDropInGivesTheLibraryOptionsThatItTakes) {
  const std::string unit = text_of(kExamples + "systemd/oomcast-preload.conf");
  std::smatch match;
  ASSERT_TRUE(std::regex_search(unit, match, std::regex("Environment=\"OOMCAST_OPTIONS=([^\"]*)\"")));
  const Result<RunOptions> options = parse_options_text(match[1]);
  ASSERT_TRUE(options.ok()) << options.error().message;
  EXPECT_EQ(options->trace, "%S/oomcast/%N.trace");
  for (const char* variable :
       {"LD_PRELOAD=/", "OOMCAST_HOST=", "OOMCAST_REPORT=%S/oomcast/%N.%%p.json", "OOMCAST_LOG="})
    EXPECT_THAT(unit, testing::HasSubstr(std::string("\nEnvironment=") + variable));
}

TEST(ServiceExamples, TheManifestsCallWhatIsThere) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kExamples + "kubernetes"))
    names.push_back(entry.path().filename().string());
  EXPECT_THAT(names, testing::UnorderedElementsAre("job.yaml", "sidecar.yaml", "node.yaml"));
  for (const std::string& name : names) {
    const auto calls = calls_in_manifest(name);
    ASSERT_EQ(calls.size(), 1u) << name;
    const CommandLine line = parsed(calls.front());
    EXPECT_EQ(line.verb, name == "job.yaml" ? &kRunVerb : &kAttachVerb) << name;
    EXPECT_EQ(line.attach.whole_cgroup, name == "node.yaml") << name;
    EXPECT_EQ(line.run.report, "/report/server.json") << name;
  }
  EXPECT_THAT(parsed(calls_in_manifest("job.yaml").front()).run.recorder.command,
              testing::ElementsAre("/usr/bin/server", "--selftest"));
}

TEST(ServiceExamples, TheReadmesCommandIsOne) {
  const CommandLine line = parsed(
      arguments_in(text_of(kExamples + "README.md").substr(text_of(kExamples + "README.md").find("-- oomcast"))));
  EXPECT_EQ(line.verb, &kAttachVerb);
  EXPECT_EQ(line.attach.pid, 1u);
}

}  // namespace
}  // namespace oomcast::report
