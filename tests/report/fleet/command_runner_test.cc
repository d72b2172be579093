// Other programs are run without a shell, and all that they say is kept.
#include "report/fleet/command_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace oomcast::report {
namespace {

TEST(RunCommandLine, KeepsBothStreamsAndTheStatus) {
  auto ran = run_command_line({"sh", "-c", "echo out; echo err >&2; cat; exit 7"});
  ASSERT_TRUE(ran.ok());
  EXPECT_EQ(ran->status, 7);
  EXPECT_EQ(ran->out, "out\n");
  EXPECT_EQ(ran->err, "err\n");
}

TEST(RunCommandLine, NeitherStreamBlocksTheOther) {
  auto ran = run_command_line({"sh", "-c", "head -c 300000 /dev/zero >&2; head -c 300000 /dev/zero"});
  ASSERT_TRUE(ran.ok());
  EXPECT_EQ(ran->out.size(), 300000u);
  EXPECT_EQ(ran->err.size(), 300000u);
}

TEST(RunCommandLine, ASignalIsAStatusToo) { EXPECT_EQ(run_command_line({"sh", "-c", "kill -9 $$"})->status, 128 + 9); }

TEST(RunCommandLine, AProgramThatIsNotThereIsNamed) {
  auto ran = run_command_line({"no-such-program-of-oomcast"});
  ASSERT_FALSE(ran.ok());
  EXPECT_EQ(ran.error().message, "no-such-program-of-oomcast: No such file or directory");
}

}  // namespace
}  // namespace oomcast::report
