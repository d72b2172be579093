// On a terminal a line says how the run stands, and the program's own output is as if there were none.
#include <gmock/gmock.h>

#include "tests/end_to_end/oomcast_run.h"

namespace oomcast::end_to_end {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr int kNoEmulator = 77;

struct Seen {
  int status = -1;
  std::string during, screen, margins;
};

class Terminal : public EndToEnd {
 protected:
  /// Runs a shell line on a terminal of 24 rows.
  Seen on_a_terminal(const std::string& line, int columns = 120) const {
    std::ofstream(at("shown.sh")) << "export PATH=$(dirname $OOMCAST):$PATH\n" << line << "\n";
    Finished finished =
        sh("export OOMCAST; /usr/bin/python3 " OOMCAST_SOURCE_DIR "/tests/end_to_end/on_a_terminal.py " +
           std::to_string(columns) + " sh shown.sh");
    const size_t screen = finished.out.find("screen:\n"), margins = finished.out.find("margins: ");
    if (screen == std::string::npos) return {finished.status, finished.out + finished.err, "", ""};
    return {finished.status, finished.out.substr(0, screen), finished.out.substr(screen + 8, margins - screen - 8),
            finished.out.substr(margins)};
  }
};

// Prints numbers for 2.5 s and at least a hundred lines, which scroll past the line of progress.
constexpr const char* kPrintsForTwoSeconds =
    "python3 -c \"\n"
    "import time\n"
    "begin = time.time()\n"
    "n = 0\n"
    "while time.time() - begin < 2.5 or n < 100:\n"
    "  n += 1\n"
    "  print('line', n, 'of the program', end='\\n' if n % 3 else ' and\\n')\n"
    "  time.sleep(0.01)\n"
    "print('the last', n)\n"
    "\"";

TEST_F(Terminal, TheLineIsSeenAndTheProgramsOutputIsWhole) {
  Seen seen = on_a_terminal(std::string("oomcast run --host vm-1g -- ") + kPrintsForTwoSeconds);
  if (seen.status == kNoEmulator) GTEST_SKIP() << seen.during;
  ASSERT_EQ(seen.status, 0) << seen.during << seen.screen;
  EXPECT_THAT(seen.during, AllOf(HasSubstr("oomcast: "), HasSubstr("forecast for vm-1g: "), HasSubstr("fits so far")));
  EXPECT_THAT(seen.screen, AllOf(HasSubstr("verdict    FITS"), Not(HasSubstr("so far"))));
  EXPECT_THAT(seen.margins, HasSubstr("none"));
  std::string expected;
  const size_t last = seen.screen.find("the last ");
  ASSERT_NE(last, std::string::npos) << seen.screen;
  const int printed = std::stoi(seen.screen.substr(last + 9));
  for (int n = 1; n <= printed; ++n)
    expected += "line " + std::to_string(n) + " of the program" + (n % 3 ? "\n" : " and\n");
  EXPECT_EQ(seen.screen.substr(0, last), expected);
}

TEST_F(Terminal, ThereIsNoLineIfItIsNotWanted) {
  Seen seen = on_a_terminal(std::string("oomcast run --progress never --host vm-1g -- ") + kPrintsForTwoSeconds);
  if (seen.status == kNoEmulator) GTEST_SKIP() << seen.during;
  EXPECT_THAT(seen.during, Not(HasSubstr("so far")));
}

TEST_F(Terminal, AProgramThatTakesTheKeysHasTheTerminalForItself) {
  Seen seen = on_a_terminal("stty raw -echo; oomcast run --quiet --host vm-1g -- sleep 2; stty sane");
  if (seen.status == kNoEmulator) GTEST_SKIP() << seen.during;
  EXPECT_THAT(seen.during, Not(HasSubstr("so far")));
}

TEST_F(Terminal, TheSummaryFitsOnAScreen) {
  Seen seen =
      on_a_terminal("oomcast run --host vm-1g -- dd if=/dev/zero of=/dev/null bs=930M count=1 status=none", 100);
  if (seen.status == kNoEmulator) GTEST_SKIP() << seen.during;
  EXPECT_THAT(seen.screen, AllOf(HasSubstr("OOM KILL"), HasSubstr("free       node 0 "),
                                 HasSubstr("report     oomcast.report.json")));
  EXPECT_LE(lines(seen.screen), 25) << seen.screen;
}

TEST_F(Terminal, ColoursAreForTerminalsAndNotForThoseWhoDoNotWantThem) {
  EXPECT_THAT(run("true").err, Not(HasSubstr("\x1b")));
  sh("export OOMCAST; script -qec '$OOMCAST run --host vm-1g -- true' coloured; NO_COLOR=1 script -qec '$OOMCAST run "
     "--host vm-1g -- "
     "true' plain");
  EXPECT_THAT(content(at("coloured")), HasSubstr("\x1b[1;32mFITS"));
  EXPECT_THAT(content(at("plain")), AllOf(HasSubstr("FITS"), Not(HasSubstr("\x1b[1;32m"))));
}

TEST_F(Terminal, WhereThereIsNoneOneMayAskForLines) {
  EXPECT_THAT(run("sleep 1.5").err, Not(HasSubstr("so far")));
  EXPECT_THAT(run("sleep 2.5", "--progress always").err, HasSubstr("so far\n"));
}

TEST_F(Terminal, ASweepSaysHowFarItIs) {
  ASSERT_EQ(run("dd if=/dev/zero of=/dev/null bs=50M count=1 status=none", "--quiet --trace t.trace").status, 0);
  Seen seen = on_a_terminal("oomcast sweep t.trace --vary memory=512M..4G");
  if (seen.status == kNoEmulator) GTEST_SKIP() << seen.during;
  EXPECT_THAT(seen.screen, Not(HasSubstr("oomcast: sweep:")));
  EXPECT_THAT(sh("$OOMCAST sweep t.trace --vary memory=512M..4G --progress always").err, HasSubstr("of 4 hosts"));
  EXPECT_THAT(sh("$OOMCAST replay t.trace --prove 0 --progress always").err, HasSubstr("oomcast: replay: "));
}

}  // namespace
}  // namespace oomcast::end_to_end
