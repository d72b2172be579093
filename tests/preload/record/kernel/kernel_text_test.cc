// The kernel's lines of a name and a number, and its directories of numbers, are read as they are written.
#include "preload/record/kernel/kernel_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace oomcast::record {
namespace {

TEST(KernelText, ANumberStandsBehindItsNameAtTheBeginningOfALine) {
  const std::string status = "Name:\tCapEff: 7\nVmHWM:\t     316 kB\nCapEff:\t000001ffffffffff\n";
  EXPECT_EQ(number_behind(status, "VmHWM:"), 316u);
  EXPECT_EQ(number_behind(status, "CapEff:", 16), 0x1ffffffffffu);
  EXPECT_EQ(number_behind(status, "VmSwap:"), 0u);
  EXPECT_EQ(number_behind("inactive_file 5\nactive_file 18446744073709551615", "active_file "), UINT64_MAX);
  EXPECT_EQ(number_behind("flags:\t0100002\n", "flags:", 8), 0100002u);
  EXPECT_EQ(number_behind("", "x:"), 0u);
}

TEST(KernelText, NumbersOfADirectoryAreItsEntriesWithoutTheNames) {
  EXPECT_THAT(numbers_in_directory("/proc/self/task"), testing::Contains(static_cast<uint32_t>(::getpid())));
  EXPECT_THAT(numbers_in_directory("/proc/self/fd"), testing::Contains(0u));
  EXPECT_THAT(numbers_in_directory("/proc"),
              testing::AllOf(testing::Contains(1u), testing::Not(testing::Contains(0u))));
  EXPECT_THAT(numbers_in_directory("/proc/none"), testing::IsEmpty());
}

}  // namespace
}  // namespace oomcast::record
