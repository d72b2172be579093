// Tests that the sentences on a page say what the report says.
#include "report/story.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/json_report.h"
#include "tests/report/stories.h"

namespace oomcast::report {
namespace {

using Json = nlohmann::ordered_json;
using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::EndsWith;
using testing::Field;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

Json report_of(const stories::Story& story) {
  return Json::parse(report_text(to_json(story.outcome, story.capture, story.findings())));
}

TEST(ReportStory, OfARunThatFitsSaysSo) {
  const Story story = report_story(report_of(stories::fits()));
  EXPECT_EQ(story.headline, "It fits: nothing is reclaimed in 12.40 s");
  EXPECT_EQ(story.tone, "good");
  EXPECT_THAT(story.sentences, Contains(HasSubstr("redis-server --port 0 was run here and forecast on small-2g")));
  EXPECT_THAT(story.sentences, Contains(HasSubstr("The footprint peaks at 300.0 MiB")));
  EXPECT_THAT(story.sentences, Each(Not(HasSubstr("killer"))));
}

TEST(ReportStory, OfAKillNamesTheMomentTheReasonAndTheVictim) {
  const Json report = report_of(stories::oom());
  const Story story = report_story(report);
  EXPECT_EQ(story.tone, "bad");
  EXPECT_THAT(story.headline, StartsWith("OOM kill, "));
  EXPECT_THAT(story.sentences, Contains(AllOf(HasSubstr("and the OOM killer strikes"),
                                              HasSubstr(report["first"]["oom_kill"]["why"].get<std::string>()))));
  EXPECT_THAT(story.sentences, Contains(HasSubstr("The victim is redis-server")));
}

// Who asked, which zone was short, what was reclaimed, who died.
TEST(ReportStory, TheCourseAnswersTheFourQuestions) {
  Json report = report_of(stories::oom());
  report["counters"]["pgscan_file"] = 3000;
  report["counters"]["pgsteal_file"] = 2560;
  report["counters"]["pgsteal_anon"] = 256;
  report["counters"]["workingset_refault_file"] = 512;
  std::string all;
  for (const CourseSentence& sentence : course_of(report)) all += sentence.text + "\n";
  EXPECT_THAT(all, HasSubstr("redis-server (pid 812) has to reclaim memory for itself: node 0 zone DMA32 has 11.0 MiB "
                             "free, its min mark is 11.0 MiB."));
  report["first"]["direct_reclaim"]["boost_pages"] = 512;
  EXPECT_THAT(course_of(report), Contains(Field(&CourseSentence::text, EndsWith("its min mark is 11.0 MiB, 2.0 MiB of "
                                                                                "it a temporary boost."))));
  EXPECT_THAT(
      all,
      HasSubstr("Reclaim looks at 3,000 pages in all and takes 10.0 MiB of page cache and 1.0 MiB of anonymous memory; "
                "2.0 MiB of it is needed again."));
  EXPECT_THAT(all, HasSubstr("The victim is redis-server (pid 812) with oom_score_adj 0, 1.75 GiB resident"));
  report["counters"]["pgsteal_file"] = report["counters"]["pgsteal_anon"] = 0;
  EXPECT_THAT(course_of(report), Contains(testing::Field(&CourseSentence::text,
                                                         "Reclaim looks at 3,000 pages in all and can take none.")));
}

TEST(ReportStory, ARunThatFitsHasNoCourse) { EXPECT_TRUE(course_of(report_of(stories::fits())).empty()); }

TEST(ReportStory, TellsIncidentsInTheOrderOfTime) {
  const Story story = report_story(report_of(stories::oom()));
  std::vector<double> times;
  for (const std::string& sentence : story.sentences)
    if (sentence.starts_with("At ")) times.push_back(std::stod(sentence.substr(3)));
  ASSERT_GE(times.size(), 2u);
  EXPECT_TRUE(std::is_sorted(times.begin(), times.end()));
}

TEST(ReportStory, AWithheldVerdictIsNoGoodNews) {
  const Story story = report_story(report_of(stories::unseen()));
  EXPECT_EQ(story.headline, "No verdict is given");
  EXPECT_EQ(story.tone, "unknown");
  EXPECT_THAT(story.sentences, Contains(StartsWith("The verdict is withheld: ")));
}

TEST(ReportStory, PrefersAProvenChangeToAGuess) {
  Json report = report_of(stories::oom());
  report["findings"] = {{{"severity", "error"},
                         {"try",
                          {{{"change", "memory.high=65M"}, {"proven", true}, {"verdict_after", "oom_kill"}},
                           {{"change", "a guess"}, {"proven", nullptr}, {"verdict_after", nullptr}},
                           {{"change", "swap"}, {"proven", false}, {"verdict_after", "oom_kill"}},
                           {{"change", "memory.max=600M"}, {"proven", true}, {"verdict_after", "fits"}}}}}};
  EXPECT_THAT(report_story(report).sentences,
              Contains("What helps, shown by simulation: memory.max=600M; the verdict is then fits."));
  report["findings"][0]["try"].erase(3);
  EXPECT_THAT(report_story(report).sentences, Contains("What may help (not simulated): a guess."));
}

TEST(ReportStory, ALongCommandIsCutAtACharacter) {
  Json report = report_of(stories::fits());
  std::string word = "x";
  for (int i = 0; i < 200; ++i) word += "\xC3\xA9";
  report["command"] = {word};
  const Json text = report_story(report).sentences.front();
  EXPECT_NO_THROW(text.dump());  // valid UTF-8
}

Json sweep_row(const std::string& memory, const Json& verdict, const std::string& swappiness = "") {
  Json row = {{"vary", {{"memory", memory}}}, {"error", nullptr}, {"verdict", verdict}};
  if (!swappiness.empty()) row["vary"]["vm.swappiness"] = swappiness;
  return row;
}
Json sweep_of(const Json& rows) { return {{"schema", "oomcast.sweep.v1"}, {"incomplete", nullptr}, {"rows", rows}}; }

TEST(SweepStory, NamesTheSmallestSizeOfEachPromise) {
  const Story story = sweep_story(sweep_of({sweep_row("512M", "oom_kill"), sweep_row("1G", "direct_reclaim"),
                                            sweep_row("2G", "background_reclaim"), sweep_row("4G", "fits")}));
  EXPECT_EQ(story.headline, "No OOM kill from memory=1G on; the next smaller, 512M, has one");
  EXPECT_THAT(story.sentences, Contains("Nobody is killed from 1G on; no thread reclaims for itself from 2G on; "
                                        "nothing is reclaimed from 4G on."));
}

TEST(SweepStory, ASizeIsOnlySafeIfAllLargerOnesAre) {
  const Story story = sweep_story(
      sweep_of({sweep_row("512M", "fits"), sweep_row("1G", "oom_kill"), sweep_row("2G", "direct_reclaim")}));
  EXPECT_EQ(story.headline, "No OOM kill from memory=2G on; the next smaller, 1G, has one");
}

TEST(SweepStory, TellsWhereNoSizeOrEverySizeSurvives) {
  EXPECT_EQ(sweep_story(sweep_of({sweep_row("1G", "oom_kill"), sweep_row("2G", "oom_kill")})).headline,
            "No memory of this sweep keeps the OOM killer away");
  EXPECT_EQ(sweep_story(sweep_of({sweep_row("1G", "fits"), sweep_row("2G", "fits")})).headline,
            "No OOM kill at any memory of this sweep");
}

TEST(SweepStory, TellsEachSettingOfTheOtherKeysApart) {
  const Story story = sweep_story(sweep_of({sweep_row("1G", "oom_kill", "0"), sweep_row("1G", "fits", "60"),
                                            sweep_row("2G", "fits", "0"), sweep_row("2G", "fits", "60")}));
  EXPECT_THAT(story.sentences, Contains(StartsWith("With vm.swappiness=0: nobody is killed from 2G on")));
  EXPECT_THAT(story.sentences, Contains(StartsWith("With vm.swappiness=60: nobody is killed from 1G on")));
}

TEST(SweepStory, AWithheldVerdictIsNotSafe) {
  EXPECT_EQ(sweep_story(sweep_of({sweep_row("1G", "fits"), sweep_row("2G", nullptr)})).headline,
            "No memory of this sweep keeps the OOM killer away");
}

TEST(DiffStory, NamesWhatGotWorse) {
  const Json diff = {{"worse", true},
                     {"numbers",
                      {{{"key", "app.footprint_peak_bytes"}, {"judged", true}, {"result", "worse"}},
                       {{"key", "forecast_s"}, {"judged", false}, {"result", "worse"}}}},
                     {"sites", Json::array()}};
  const Story story = diff_story(diff);
  EXPECT_EQ(story.tone, "bad");
  EXPECT_THAT(story.sentences, Contains("Worse: app.footprint_peak_bytes."));
}

}  // namespace
}  // namespace oomcast::report
