// The summary is understood in ten seconds. The goldens are what a person approved.
#include "report/summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/host/cgroup.h"
#include "report/json_report.h"
#include "report/story.h"
#include "tests/report/golden.h"
#include "tests/report/simulated_runs.h"
#include "tests/report/stories.h"

namespace oomcast::report {
namespace {

using namespace oomcast::literals;

nlohmann::ordered_json document_of(const stories::Story& story, const Findings& findings) {
  return to_json(story.outcome, story.capture, findings);
}

std::string summary_of(const stories::Story& story, bool color = false) {
  return summary_text(story.outcome, story.capture, story.findings(), document_of(story, story.findings()),
                      "oomcast.report.json", Look{.color = color});
}

TEST(Summary, Fits) { expect_golden(summary_of(simulated::fits()), "fits.txt"); }
TEST(Summary, OomKill) { expect_golden(summary_of(simulated::oom()), "oom.txt"); }
TEST(Summary, Bystander) { expect_golden(summary_of(simulated::bystander()), "bystander.txt"); }
TEST(Summary, SwapThrash) { expect_golden(summary_of(simulated::swap_thrash()), "swap_thrash.txt"); }
TEST(Summary, Withheld) { expect_golden(summary_of(stories::unseen()), "withheld.txt"); }

TEST(Summary, ProcessesThatWereLeftBehindAreSaidInTheFirstLine) {
  stories::Story story = stories::fits();
  story.capture.still_running = {"nginx (pid 71)", "nginx (pid 72)"};
  EXPECT_THAT(summary_of(story),
              testing::StartsWith("oomcast: INCOMPLETE: processes still running: 2 (nginx (pid 71)"));
  EXPECT_THAT(summary_of(story), testing::HasSubstr("--wait"));
}

TEST(Summary, SaysThatTheProgramWasKilledHere) {
  stories::Story story = stories::fits();
  story.capture.exited = false;
  story.capture.exit_signal = 9;
  EXPECT_THAT(summary_of(story), testing::HasSubstr("ended by signal 9 (SIGKILL)"));
}

TEST(Summary, WhereAGroupIsTheLimitItsNumbersAreShown) {
  stories::Story story = stories::oom();
  story.outcome.oom_kill->scope = sim::Scope::kCgroup;
  story.outcome.oom_kill->group = {"/app", Pages(65536), Pages(65536), Pages(host::kUnlimited)};
  story.outcome.direct_reclaim = story.outcome.oom_kill;
  EXPECT_THAT(summary_of(story), testing::HasSubstr("redis-server (pid 812) has to reclaim memory for itself: cgroup "
                                                    "/app uses 256.0 MiB, memory.max 256.0 MiB."));
}

TEST(Summary, LockedMemoryIsSaidBesideTheFootprint) {
  stories::Story story = stories::fits();
  EXPECT_THAT(summary_of(story), testing::Not(testing::HasSubstr("mlock")));
  story.outcome.app.locked_peak = Bytes(3 << 20);
  EXPECT_THAT(summary_of(story), testing::HasSubstr("; at most 3.0 MiB locked (mlock)"));
}

TEST(Summary, FreeMemoryIsDrawnAgainstItsMarks) {
  stories::Story story = stories::oom();
  story.outcome.timeline.insert(story.outcome.timeline.begin(), story.outcome.timeline.front());
  story.outcome.timeline[0].t = Nanoseconds(0);
  story.outcome.timeline[0].node_free = {Pages(400000)};
  const std::string text = summary_of(story);
  EXPECT_THAT(text, testing::HasSubstr("free       node 0 █"));
  EXPECT_THAT(text, testing::HasSubstr("▁ 1.53 GiB, least 11.0 MiB (low 13.7 MiB, min 11.0 MiB)"));
}

TEST(Summary, TheHeaviestStacksAreNamed) {
  EXPECT_THAT(summary_of(stories::oom()),
              testing::HasSubstr("memory of  90 %: zmalloc at zmalloc.c:120 < main at server.c:7000\n"));
}

TEST(Summary, WhatIsProvenComesFirstAndWhatDoesNotHelpLast) {
  Findings findings = stories::oom().findings();
  const auto suggestion = [](const char* change, std::optional<bool> proven) {
    Try one;
    one.change = change;
    one.proven = proven;
    if (proven) one.proof.emplace();
    one.verdict_after = proven ? std::optional(*proven ? sim::Verdict::kFits : sim::Verdict::kOomKill) : std::nullopt;
    return one;
  };
  findings.front().tries = {suggestion("useless", false), suggestion("untried", std::nullopt), suggestion("good", true),
                            suggestion("idle", false), suggestion("vain", false)};
  const std::string text = summary_text(stories::oom().outcome, stories::oom().capture, findings,
                                        document_of(stories::oom(), findings), "r.json", {});
  EXPECT_THAT(text, testing::ContainsRegex(
                        "  change     good \\[proven: fits.*\\]\n  also       untried \\[not simulated\\]\n"));
  EXPECT_THAT(text, testing::HasSubstr("more in the report: "));
}

TEST(Summary, OfAProgramThatRanBeforeSaysWhatWasThere) {
  stories::Story story = stories::oom();
  story.capture.attached_bytes = 3 << 20;
  story.capture.attached_processes = 2;
  story.capture.exited = false;
  story.capture.exit_signal = 0;
  story.capture.detached = true;
  const Findings findings = story.findings();
  const std::string text =
      summary_text(story.outcome, story.capture, findings, document_of(story, findings), "r.json", {});
  EXPECT_THAT(text, testing::HasSubstr("attached   to a running program: 3.0 MiB in 2 processes"));
  EXPECT_THAT(text, testing::HasSubstr("program    let go of, it runs on"));
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("INCOMPLETE")));
}

/// Everything at once, on a narrow terminal.
TEST(Summary, NeverHasMoreLinesThanAScreen) {
  stories::Story story = stories::oom();
  story.capture.still_running = {"nginx (pid 71)", "nginx (pid 72)"};
  story.capture.extrapolated = "the recording did not listen for uses of pages that this host evicts";
  for (int i = 0; i < 20; ++i) story.outcome.oom_kills.push_back(story.outcome.oom_kills[0]);
  for (int i = 1; i < 8; ++i) story.outcome.host.nodes.push_back(stories::node_of(i, 2000_MiB, 1800_MiB));
  story.outcome.timeline.push_back(story.outcome.timeline.back());
  for (sim::TimelineRow& row : story.outcome.timeline) row.node_free.resize(8, Pages(2810));
  Findings findings = story.findings();
  for (int i = 0; i < 20; ++i)
    findings.push_back({"made_up", Severity::kError, std::string(300, 'x') + " y", "", {}, {}});
  const std::string text =
      summary_text(story.outcome, story.capture, findings, document_of(story, findings), "r.json", Look{.columns = 60});
  EXPECT_LE(std::count(text.begin(), text.end(), '\n'), 25) << text;
  for (const char* kept : {"INCOMPLETE", "OOM KILL", "The victim is redis-server", "coverage", "report     r.json ("})
    EXPECT_THAT(text, testing::HasSubstr(kept));
}

TEST(Summary, TellsTheSameStoryAsThePage) {
  const stories::Story story = stories::oom();
  const std::string text = summary_of(story);
  const auto sentences = report_story(document_of(story, story.findings())).sentences;
  const auto course = course_of(document_of(story, story.findings()));
  ASSERT_GE(course.size(), 3u);
  for (const CourseSentence& sentence : course) {
    EXPECT_THAT(text, testing::HasSubstr(sentence.text));
    EXPECT_THAT(sentences, testing::Contains(sentence.text));
  }
}

TEST(Summary, ProofsThatWereNotReachedAreSaid) {
  stories::Story story = stories::oom();
  Findings findings = story.findings();
  findings.front().tries = {Try{"more memory"}};
  findings.front().tries[0].remedy.words = {"memory=4G"};
  findings.front().tries[0].not_simulated = "a signal to oomcast ended the proofs";
  ProofSummary proofs;
  proofs.suggestions = 3;
  proofs.simulated = 2;
  proofs.left_out = 1;
  EXPECT_THAT(
      summary_text(story.outcome, story.capture, findings, to_json(story.outcome, story.capture, findings, proofs),
                   "r.json", {}),
      testing::HasSubstr("proofs     1 of 3 suggestions were not simulated: a signal to oomcast ended the proofs"));
}

TEST(Summary, HasColorOnlyWhenAsked) {
  EXPECT_THAT(summary_of(stories::oom(), true), testing::HasSubstr("\x1b[1;31mOOM KILL\x1b[0m"));
  EXPECT_THAT(summary_of(stories::oom(), false), testing::Not(testing::HasSubstr("\x1b")));
}

}  // namespace
}  // namespace oomcast::report
