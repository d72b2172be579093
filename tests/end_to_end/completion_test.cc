// The completion that oomcast prints offers, in a real shell, what the help of each command names.
#include <gmock/gmock.h>

#include <regex>
#include <set>

#include "tests/end_to_end/oomcast_run.h"

namespace oomcast::end_to_end {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsSupersetOf;
using testing::Not;

using Words = std::set<std::string>;

class Completion : public EndToEnd {
 protected:
  Words lines_of(const std::string& text) const {
    std::istringstream in(text);
    Words words;
    for (std::string line; std::getline(in, line);) words.insert(line);
    return words;
  }

  /// What bash offers for the last of `words`, each a word as bash splits a line: '=' is one of its own.
  Words offered(const std::string& words) const {
    std::ofstream(at("walk.bash")) << ". ./oomcast.bash\ncomplete -p oomcast >tied\nset -- " << words << "\n"
                                   << "COMP_WORDS=(\"$@\") COMP_CWORD=$(($# - 1)) COMPREPLY=()\n_oomcast\n"
                                   << "printf '%s\\n' \"${COMPREPLY[@]}\"\n";
    const Finished walked = sh("$OOMCAST completion bash >oomcast.bash && bash --norc walk.bash");
    EXPECT_EQ(walked.status, 0) << words;
    EXPECT_EQ(walked.err, "") << words;
    EXPECT_EQ(content(at("tied")), "complete -F _oomcast oomcast\n");
    Words found = lines_of(walked.out);
    found.erase("");
    return found;
  }

  /// Of a help text: the first word of each line of the section, all names of an option.
  Words in_section(const std::string& help, const std::string& section) const {
    std::istringstream in(help);
    Words found;
    bool inside = false;
    for (std::string line; std::getline(in, line);) {
      if (!line.starts_with("  ")) inside = line == section;
      static const std::regex entry("^  ([^ ]+)");
      std::smatch match;
      if (!inside || !std::regex_search(line, match, entry)) continue;
      std::istringstream names(match[1]);
      for (std::string name; std::getline(names, name, ',');) found.insert(name);
    }
    return found;
  }
  std::string help(const std::string& command) const { return sh("$OOMCAST " + command + " --help").out; }
};

TEST_F(Completion, OffersEachCommandAndEachOptionOfTheHelpAndNoOther) {
  std::vector<std::string> commands;
  for (const std::string& name : in_section(help(""), "Subcommands:")) commands.push_back(name);
  ASSERT_GE(commands.size(), 14u);
  EXPECT_EQ(offered("oomcast ''"), Words(commands.begin(), commands.end()));
  for (const std::string& below : in_section(help("host"), "Subcommands:")) commands.push_back("host " + below);
  EXPECT_THAT(offered("oomcast host ''"), ElementsAre("capture", "list", "show"));
  for (const std::string& command : commands) {
    if (command.starts_with("host ")) continue;  // 'host show --help' prints the help of host
    EXPECT_EQ(offered("oomcast " + command + " -"), in_section(help(command), "Options:")) << command;
  }
  EXPECT_THAT(offered("oomcast host show -"), ElementsAre("--help", "--json", "--nth", "-h"));
  EXPECT_THAT(offered("oomcast ''"), Not(Contains("record-attached")));
}

TEST_F(Completion, OffersPresetsAndFilesForAHost) {
  std::ofstream(at("my box.json")) << "{}";
  const Words presets = in_section(
      "Hosts:\n" + std::regex_replace(sh("$OOMCAST host list").out, std::regex("^[^ \n][^\n]*\n"), ""), "Hosts:");
  ASSERT_GE(presets.size(), 10u);
  for (const char* line : {"oomcast run --host ''", "oomcast attach 5 --host = ''", "oomcast host show ''"}) {
    const Words hosts = offered(line);
    EXPECT_THAT(hosts, IsSupersetOf(presets)) << line;
    EXPECT_THAT(hosts, AllOf(Contains("this"), Contains("my box.json"), Not(Contains("recorded")))) << line;
  }
  EXPECT_THAT(offered("oomcast replay t.trace --host rec"), ElementsAre("recorded"));
  EXPECT_THAT(offered("oomcast run --host '='"), IsSupersetOf(presets)) << "the cursor stands behind the '='";
}

TEST_F(Completion, OffersTheValuesThatAnOptionTakes) {
  EXPECT_THAT(offered("oomcast run --fail-on ''"),
              ElementsAre("alloc_refused", "background_reclaim", "direct_reclaim", "oom_kill"));
  EXPECT_THAT(offered("oomcast fit --as ''"), ElementsAre("compose", "docker", "env", "k8s", "systemd"));
  EXPECT_THAT(offered("oomcast run --guard ''"), ElementsAre()) << "a number is the user's own";
  EXPECT_THAT(offered("oomcast completion ''"), ElementsAre("bash", "zsh"));
  EXPECT_THAT(offered("oomcast attach 1"), Contains("1"));
}

TEST_F(Completion, OffersFilesAndDirectories) {
  fs::create_directory(at("traces"));
  std::ofstream(at("trace of a run")) << "";
  EXPECT_THAT(offered("oomcast replay tr"), ElementsAre("trace of a run", "traces"));
  EXPECT_THAT(offered("oomcast run --report tr"), ElementsAre("trace of a run", "traces"));
  EXPECT_THAT(offered("oomcast host capture tr"), ElementsAre("traces"));
}

TEST_F(Completion, LeavesWhatFollowsTheDashesToTheProgram) {
  EXPECT_THAT(offered("oomcast run -- host show --"), ElementsAre());
  EXPECT_THAT(offered("oomcast run --host vm-1g -- sleep"), Contains("sleep"));
}

TEST_F(Completion, AnUnknownShellIsOneError) {
  const Finished refused = sh("$OOMCAST completion fish");
  EXPECT_EQ(refused.status, 2);
  EXPECT_EQ(refused.out, "");
  EXPECT_THAT(refused.err, HasSubstr("fish"));
}

/// In an interactive zsh: a line is typed, then a tab, then a key that prints what the line has become.
TEST_F(Completion, WorksInZsh) {
  if (sh("zsh --version").status != 0) GTEST_SKIP() << "no zsh here; on Debian: apt-get install zsh";
  std::ofstream(at("walk.zsh")) << R"(
    zmodload zsh/zpty
    zpty shell zsh -f -i
    # Not all of zsh's own completions: to load them takes seconds.
    zpty -w shell "PS1= fpath=($PWD/functions \${(M)fpath:#*Completion(|/Base|/Zsh)}); autoload -Uz compinit && compinit -u -D"
    zpty -w shell "show-line() { print -r -- LINE'<'\$BUFFER'>' }; zle -N show-line; bindkey '^Xp' show-line; print rea''dy"
    zpty -r -m shell text '*ready*'
    for line in "$@"; do
      zpty -w -n shell $'\C-u'"oomcast $line"$'\t\C-xp'
      zpty -r -m shell text '*LINE<*>*'
      print -r -- "${${text##*LINE<}%%>*}"
    done
    zpty -d shell
  )";
  ASSERT_EQ(sh("mkdir functions && $OOMCAST completion zsh >functions/_oomcast && zsh -n functions/_oomcast").status, 0)
      << content(at("err"));
  EXPECT_EQ(
      sh("zsh -f walk.zsh swe 'host sh' 'run --fail-on dir' 'attach --host=small' 'run --oom-s' 'run -- host sh'").out,
      "oomcast sweep \noomcast host show \noomcast run --fail-on direct_reclaim \noomcast attach --host=small-512m \n"
      "oomcast run --oom-score-adj=\noomcast run -- host sh\n");
}

}  // namespace
}  // namespace oomcast::end_to_end
