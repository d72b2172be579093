// Exports of a real run are read by other people's readers, which find what the report says.
#include <gmock/gmock.h>

#include "tests/end_to_end/oomcast_run.h"

namespace oomcast::end_to_end {
namespace {

using testing::HasSubstr;

class Export : public EndToEnd {};

constexpr int kReaderMissing = 77;

TEST_F(Export, EachFormIsReadByAReaderThatIsNotOurs) {
  ASSERT_EQ(run("dd if=/dev/zero of=/dev/null bs=930M count=1 status=none", "--report r.json").status, 0);
  ASSERT_EQ(report("r.json")["verdict"], "oom_kill");
  const std::string forms[] = {"folded", "speedscope", "pprof", "perfetto", "openmetrics", "csv"};
  for (const std::string& form : forms) {
    Finished finished = sh("$OOMCAST export r.json --as " + form + " -o x." + form);
    ASSERT_EQ(finished.status, 0) << form << ": " << finished.err;
  }
  Finished read = sh("/usr/bin/python3 " OOMCAST_SOURCE_DIR
                     "/tests/report/export/read_exports.py r.json x.folded x.speedscope "
                     "x.pprof x.perfetto x.openmetrics x.csv " OOMCAST_SOURCE_DIR "/tests/data/speedscope.schema.json");
  if (read.status == kReaderMissing) GTEST_SKIP() << read.err;
  EXPECT_EQ(read.status, 0) << read.err;
}

TEST_F(Export, TheSameReportGivesTheSameBytes) {
  ASSERT_EQ(run("true", "--report r.json").status, 0);
  EXPECT_EQ(
      sh("for n in 1 2; do $OOMCAST export r.json --as pprof > $n.pb.gz || exit 9; done; cmp 1.pb.gz 2.pb.gz").status,
      0);
}

TEST_F(Export, ADamagedReportIsOneErrorAndNothingIsWritten) {
  std::ofstream(at("cut.json")) << "{\"schema\": \"oomcast.report.v1\", ";
  std::ofstream(at("odd.json")) << R"({"schema": "oomcast.report.v1", "timeline": {"t_s": [0, "soon"]}})";
  std::ofstream(at("short.json"))
      << R"({"schema": "oomcast.report.v1", "timeline": {"t_s": [0, 1], "dirty_bytes": [0]}})";
  const std::pair<const char*, const char*> damaged[] = {{"cut.json", "cut off"},
                                                         {"odd.json", "timeline.t_s[1] is of type string"},
                                                         {"short.json", "timeline.dirty_bytes has 1 values"},
                                                         {"none.json", "cannot be read"}};
  for (const auto& [file, words] : damaged) {
    Finished refused = sh(std::string("$OOMCAST export ") + file + " --as csv -o x.csv");
    EXPECT_EQ(refused.status, 2) << file;
    EXPECT_THAT(refused.err, HasSubstr(words));
    EXPECT_EQ(lines(refused.err), 1) << refused.err;
    EXPECT_FALSE(fs::exists(at("x.csv")));
  }
}

TEST_F(Export, WhatIsNestedWithoutEndUnderAnUnknownKeyIsSkipped) {
  ASSERT_EQ(run("true", "--report r.json").status, 0);
  std::string report = content(at("r.json")), deep;
  constexpr int kDepth = 200'000;
  for (int i = 0; i < kDepth; ++i) deep += "{\"x\":";
  report.insert(1, "\"later\": " + deep + "1" + std::string(kDepth, '}') + ",");
  std::ofstream(at("deep.json")) << report;
  const Finished finished = sh("$OOMCAST export deep.json --as csv -o x.csv");
  EXPECT_EQ(finished.status, 0) << finished.err;
}

TEST_F(Export, ABinaryFormDoesNotGoToATerminal) {
  ASSERT_EQ(run("true", "--report r.json").status, 0);
  Finished refused = sh("script -qec \"$OOMCAST export r.json --as pprof\" typescript.txt");
  EXPECT_EQ(refused.status, 2);
  EXPECT_THAT(content(at("typescript.txt")), HasSubstr("-o FILE"));
}

}  // namespace
}  // namespace oomcast::end_to_end
