// The command line is understood, and a mistake is answered in one line.
#include "report/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>

#include "report/commands/commands.h"
#include "report/commands/run_options.h"
#include "report/commands/verbs.h"
#include "report/target_options.h"

namespace oomcast::report {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

CommandLine parse(std::vector<std::string> words) { return parse_command_line(kVerbs, words); }

TEST(CommandLine, AttachNamesAProcessOrItsCgroup) {
  CommandLine line = parse({"attach", "4711", "--for", "2.5", "--host", "box", "--oom-score-adj", "5"});
  ASSERT_EQ(line.verb, &kAttachVerb) << line.error;
  EXPECT_EQ(line.attach.pid, 4711u);
  EXPECT_EQ(line.attach.for_s, 2.5);
  EXPECT_FALSE(line.attach.whole_cgroup);
  EXPECT_EQ(line.run.host, "box");
  EXPECT_THAT(line.run.target_words, ElementsAre("--oom-score-adj=5"));
  line = parse({"attach", "--cgroup-of", "4711", "--trace", "t"});
  ASSERT_EQ(line.verb, &kAttachVerb) << line.error;
  EXPECT_EQ(line.attach.pid, 4711u);
  EXPECT_TRUE(line.attach.whole_cgroup);
  EXPECT_EQ(line.attach.for_s, 0) << "until it ends";
}

TEST(CommandLine, AttachSaysWhatIsWrong) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"attach"},
                                             {"attach", "redis"},
                                             {"attach", "0"},
                                             {"attach", "-5"},
                                             {"attach", "5", "--for", "0"},
                                             {"attach", "5", "--cgroup-of", "6"},
                                             {"attach", "5", "--guard", "5"},
                                             {"attach", "5", "--", "./server"}}) {
    const CommandLine line = parse(words);
    EXPECT_EQ(line.verb, nullptr) << words.back();
    EXPECT_EQ(line.status, kExitUsage) << words.back();
    EXPECT_THAT(line.error, HasSubstr("oomcast attach --help")) << words.back();
  }
}

TEST(CommandLine, RunWithItsOptions) {
  CommandLine line = parse({"run",
                            "--host",
                            "box",
                            "--report",
                            "r.json",
                            "--cgroup",
                            "memory.max=1G",
                            "--cgroup",
                            "memory.high=900M",
                            "--set",
                            "vm.swappiness=0",
                            "--cpu-node",
                            "0",
                            "--oom-score-adj",
                            "-500",
                            "--on-oom",
                            "kill",
                            "--fail-on",
                            "direct_reclaim",
                            "--guard",
                            "10",
                            "--no-follow",
                            "--stack-sample",
                            "4096",
                            "--quiet",
                            "--audit",
                            "--",
                            "prog",
                            "--host",
                            "mine"});
  ASSERT_EQ(line.verb, &kRunVerb) << line.error;
  EXPECT_EQ(line.run.host, "box");
  EXPECT_EQ(line.run.report, "r.json");
  EXPECT_THAT(line.run.cgroup, ElementsAre("memory.max=1G", "memory.high=900M"));
  EXPECT_THAT(line.run.set, ElementsAre("vm.swappiness=0"));
  EXPECT_EQ(line.run.model.cpu_node, 0);
  EXPECT_EQ(line.run.model.oom_score_adj, -500);
  EXPECT_TRUE(line.run.model.kill_on_oom);
  EXPECT_EQ(line.run.fail_on, sim::Verdict::kDirectReclaim);
  EXPECT_EQ(line.run.recorder.guard_percent, 10);
  EXPECT_FALSE(line.run.recorder.follow_children);
  EXPECT_EQ(line.run.recorder.stack_sample_bytes, 4096);
  EXPECT_TRUE(line.run.quiet && line.run.model.audit);
  EXPECT_THAT(line.run.recorder.command, ElementsAre("prog", "--host", "mine"));
}

TEST(CommandLine, WhateverFollowsTheDashesIsThePrograms) {
  EXPECT_THAT(parse({"run", "--", "run", "--", "host", "--help"}).run.recorder.command,
              ElementsAre("run", "--", "host", "--help"));
}

TEST(CommandLine, MistakesAreOneLineAndStatusTwo) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{},
                                             {"run"},
                                             {"run", "--"},
                                             {"run", "ls"},
                                             {"run", "--nonsense", "--", "ls"},
                                             {"run", "--host"},
                                             {"host"},
                                             {"host", "show"},
                                             {"fly"},
                                             {"run", "--oom-score-adj", "2000", "--", "ls"},
                                             {"run", "--fail-on", "rain", "--", "ls"},
                                             {"doctor", "extra"},
                                             {"replay"},
                                             {"replay", "t.trace", "--guard", "5"},
                                             {"sweep", "t.trace"},
                                             {"run", "--record-for", "box", "--", "ls"},
                                             {"run", "--log-level", "loud", "--", "ls"}}) {
    CommandLine line = parse(words);
    EXPECT_EQ(line.verb, nullptr);
    EXPECT_EQ(line.status, kExitUsage);
    EXPECT_THAT(line.error,
                testing::AllOf(testing::StartsWith("oomcast: "), HasSubstr("; try '"), testing::Not(HasSubstr("\n"))))
        << words.size();
  }
}

TEST(CommandLine, ForgottenDashesAreNamed) { EXPECT_THAT(parse({"run", "ls", "-l"}).error, HasSubstr("after '--'")); }

TEST(CommandLine, HelpAndVersionGoToStdoutWithStatusZero) {
  EXPECT_THAT(parse({"--version"}).text, HasSubstr("oomcast 0."));
  EXPECT_THAT(parse({"--help"}).text,
              testing::AllOf(HasSubstr("Examples:"), HasSubstr("doctor"), testing::Not(HasSubstr("record-attached"))));
  EXPECT_THAT(parse({"run", "--help"}).text, testing::AllOf(HasSubstr("--oom-score-adj"), HasSubstr("Exit status")));
  EXPECT_EQ(parse({"run", "--help"}).status, 0);
}

TEST(CommandLine, ALogIsExplainedOrTakenAsAHost) {
  const CommandLine explain = parse({"explain", "kern.log", "--nth", "2", "--json"});
  ASSERT_EQ(explain.verb, &kExplainVerb);
  EXPECT_EQ(explain.explain.log, "kern.log");
  EXPECT_EQ(explain.explain.nth, 2);
  EXPECT_TRUE(explain.explain.json);
  EXPECT_FALSE(parse({"explain", "-"}).explain.nth);
  EXPECT_EQ(parse({"host", "show", "kern.log", "--nth", "3"}).run.nth, 3);
  EXPECT_EQ(parse({"run", "--host", "kern.log", "--nth", "1", "--", "ls"}).run.nth, 1);
  EXPECT_EQ(parse({"explain", "kern.log", "--nth", "0"}).status, kExitUsage);
}

TEST(CommandLine, HostVerbs) {
  EXPECT_EQ(parse({"host", "list"}).verb, &kHostListVerb);
  CommandLine show = parse({"host", "show", "box", "--json"});
  EXPECT_EQ(show.verb, &kHostShowVerb);
  EXPECT_TRUE(show.json);
  EXPECT_EQ(show.host_argument, "box");
  EXPECT_EQ(parse({"host", "capture", "dir"}).verb, &kHostCaptureVerb);
  EXPECT_EQ(parse({"host", "capture", "--file", "box.snapshot"}).host_file, "box.snapshot");
  EXPECT_THAT(parse({"host", "capture"}).error, HasSubstr("give a DIR or --file FILE"));
  EXPECT_EQ(parse({"host", "capture", "dir", "--file", "x"}).status, kExitUsage);
  EXPECT_EQ(parse({"record-attached", "7"}).hello_socket_fd, 7);
}

TEST(CommandLine, ReplayTakesTheTargetOfRunAndDefaultsToTheRecordedHost) {
  CommandLine line = parse({"replay", "t.trace", "--set", "vm.swappiness=0", "--oom-score-adj", "-5", "--fail-on",
                            "oom_kill", "--report", "r.json"});
  ASSERT_EQ(line.verb, &kReplayVerb) << line.error;
  EXPECT_EQ(line.replay.trace, "t.trace");
  EXPECT_EQ(line.run.host, kRecordedHost);
  EXPECT_EQ(line.run.report, "r.json");
  EXPECT_EQ(line.run.fail_on, sim::Verdict::kOomKill);
  EXPECT_THAT(line.run.target_words, ElementsAre("--oom-score-adj=-5"));
  EXPECT_EQ(parse({"replay", "t.trace", "--host", "box"}).run.host, "box");
  EXPECT_EQ(parse({"run", "--", "ls"}).run.host, "this");
}

TEST(CommandLine, SweepVariesTheKeysThatVaryNames) {
  CommandLine line =
      parse({"sweep", "t.trace", "--vary", "memory=1G..4G", "--vary", "vm.swappiness=0,60", "--jobs", "3", "--json"});
  ASSERT_EQ(line.verb, &kSweepVerb) << line.error;
  EXPECT_THAT(line.replay.vary, ElementsAre("memory=1G..4G", "vm.swappiness=0,60"));
  EXPECT_EQ(line.replay.jobs, 3);
  EXPECT_TRUE(line.json);
}

TEST(CommandLine, TargetWordsOfARecordingGiveWayToWhatIsAskedNow) {
  RunOptions options;
  ASSERT_TRUE(apply_target_words({"--oom-score-adj=300", "--cpu-node=1"}, options).ok());
  ASSERT_TRUE(apply_target_words({"--oom-score-adj=-5"}, options).ok());
  EXPECT_EQ(options.model.oom_score_adj, -5);
  EXPECT_EQ(options.model.cpu_node, 1);
  EXPECT_FALSE(apply_target_words({"--nonsense=1"}, options).ok());
}

TEST(CommandLine, AVerbIsARowOfTheTable) {
  const Verb weigh{
      .name = "weigh",
      .about = "Weigh things",
      .usage = "weigh THINGS",
      .stray_word = "one thing at a time",
      .add_options = [](CLI::App& app, CommandLine& line) { app.add_flag("--json", line.json, "As JSON"); },
      .check = [](const CLI::App&, CommandLine& line) -> std::optional<UsageProblem> {
        if (line.json) return UsageProblem{"scales print no JSON", "oomcast weigh"};
        return std::nullopt;
      },
      .command = [](const CommandLine&) { return 7; }};
  const Verb of{.name = "weigh all", .about = "Weigh everything", .command = [](const CommandLine&) { return 8; }};
  const Verb* const verbs[] = {&weigh, &of};
  const auto read = [&](const std::vector<std::string>& words) { return parse_command_line(verbs, words); };
  EXPECT_THAT(read({"--help"}).text, testing::ContainsRegex("weigh +Weigh things"));
  EXPECT_THAT(read({"weigh", "--help"}).text, HasSubstr("Usage: oomcast weigh THINGS\n"));
  EXPECT_EQ(read({"weigh"}).verb->command({}), 7);
  EXPECT_EQ(read({"weigh", "all"}).verb->command({}), 8);
  EXPECT_EQ(read({"weigh", "--json"}).error, "oomcast: weigh: scales print no JSON; try 'oomcast weigh'");
  EXPECT_THAT(read({"weigh", "a"}).error, HasSubstr("a (one thing at a time); try 'oomcast weigh --help'"));
  EXPECT_EQ(read({}).error, "oomcast: no command given; try 'oomcast --help'");
}

TEST(CommandLine, OptionsOfTheBareLibrary) {
  auto options = parse_options_text("--cgroup memory.max=512M  --set 'vm.swappiness=0' --quiet");
  ASSERT_TRUE(options.ok());
  EXPECT_THAT(options->cgroup, ElementsAre("memory.max=512M"));
  EXPECT_THAT(options->set, ElementsAre("vm.swappiness=0"));
  EXPECT_TRUE(options->quiet);
  EXPECT_TRUE(parse_options_text("").ok());
  auto quoted = parse_options_text("--host='my box.json' --report=\"a b.json\" --set='vm.swappiness=0'  ");
  ASSERT_TRUE(quoted.ok()) << quoted.error().message;
  EXPECT_EQ(quoted->host, "my box.json");
  EXPECT_EQ(quoted->report, "a b.json");
  EXPECT_THAT(quoted->set, ElementsAre("vm.swappiness=0"));
  EXPECT_THAT(parse_options_text("--nonsense").error().message, HasSubstr("OOMCAST_OPTIONS"));
}

}  // namespace
}  // namespace oomcast::report
