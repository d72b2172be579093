// Pages of runs, replays, sweeps and comparisons are written as the command is asked to, or not at all.
#include <gmock/gmock.h>

#include "tests/end_to_end/oomcast_run.h"

namespace oomcast::end_to_end {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class PageOf : public EndToEnd {
 protected:
  bool no_page() const {
    for (const auto& entry : fs::directory_iterator(directory_))
      if (entry.path().filename().string().find(".html") != std::string::npos) return false;
    return true;
  }
  std::string refused(const std::string& line) const {
    const Finished finished = sh(line);
    EXPECT_EQ(finished.status, 2) << line;
    EXPECT_EQ(lines(finished.err), 1) << finished.err;
    EXPECT_TRUE(no_page()) << line;
    return finished.err;
  }
};

TEST_F(PageOf, ARunIsThatOfItsReport) {
  ASSERT_EQ(run(kReads300M, "--html run.html --trace t.trace").status, 0);
  EXPECT_THAT(content(at("run.html")), StartsWith("<!doctype html>"));
  const Finished made = sh("$OOMCAST page oomcast.report.json");
  EXPECT_EQ(made.status, 0) << made.err;
  EXPECT_EQ(made.out, "oomcast.report.html\n");
  EXPECT_EQ(content(at("run.html")), content(at("oomcast.report.html")));
  EXPECT_EQ(content(at("run.html")), sh("$OOMCAST page oomcast.report.json --output -").out);

  ASSERT_EQ(sh("$OOMCAST replay t.trace --html replay.html --report replay.json").status, 0);
  EXPECT_EQ(content(at("run.html")), content(at("replay.html")));

  ASSERT_EQ(sh("$OOMCAST sweep t.trace --vary memory=512M..1G --html sweep.html --json > sweep.json").status, 0);
  ASSERT_EQ(sh("$OOMCAST page sweep.json -o again.html").status, 0);
  EXPECT_EQ(content(at("sweep.html")), content(at("again.html")));

  ASSERT_EQ(sh("$OOMCAST diff oomcast.report.json replay.json --html diff.html").status, 0);
  EXPECT_THAT(content(at("diff.html")), HasSubstr("The new report is not worse"));
}

TEST_F(PageOf, ABareLibrarysRunIsWrittenToo) {
  ASSERT_EQ(sh(std::string("LD_PRELOAD=$LIBRARY OOMCAST_HOST=") + kHost + " OOMCAST_OPTIONS='--html bare.html' sleep 0")
                .status,
            0);
  for (int i = 0; i < 1000 && !fs::exists(at("bare.html")); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_THAT(content(at("bare.html")), StartsWith("<!doctype html>"));
}

TEST_F(PageOf, APlaceThatCannotBeWrittenIsFoundBeforeTheProgramStarts) {
  const std::string error =
      refused(std::string("$OOMCAST run --host ") + kHost + " --html /no/such/place/r.html -- touch started");
  EXPECT_THAT(error, HasSubstr("choose another place with --html FILE"));
  EXPECT_FALSE(fs::exists(at("started")));
  EXPECT_TRUE(nothing_written());
  EXPECT_THAT(refused("$OOMCAST run --report r.json --html r.json -- touch started"), HasSubstr("--html"));
  EXPECT_FALSE(fs::exists(at("started")));
}

TEST_F(PageOf, WhatIsNoReportIsRefused) {
  std::ofstream(at("cut.json")) << "{\"schema\": \"oomcast.report.v1\", \"host\": {";
  std::ofstream(at("other.json")) << "{\"schema\": \"something.else\"}";
  std::ofstream(at("empty.json")) << "{\"schema\": \"oomcast.report.v1\"}";
  EXPECT_THAT(refused("$OOMCAST page none.json"), HasSubstr("none.json: cannot be read: No such file or directory"));
  EXPECT_THAT(refused("$OOMCAST page ."), HasSubstr("Is a directory"));
  EXPECT_THAT(refused("$OOMCAST page cut.json"), HasSubstr("cut.json: this is not JSON, or it is cut off"));
  EXPECT_THAT(refused("$OOMCAST page other.json"), HasSubstr("other.json: this is neither a report nor a sweep"));
  EXPECT_THAT(refused("$OOMCAST page empty.json"), HasSubstr("empty.json: this report is damaged"));
  EXPECT_THAT(refused("$OOMCAST page"), HasSubstr("try 'oomcast page --help'"));
  ASSERT_EQ(run("true", "--report r.json").status, 0);
  EXPECT_THAT(refused("$OOMCAST page r.json -o /no/such/place/p.html"), HasSubstr("--output FILE"));
  EXPECT_THAT(refused("$OOMCAST page r.json -o r.json"), HasSubstr("the report itself"));
}

}  // namespace
}  // namespace oomcast::end_to_end
