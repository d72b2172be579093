// A program that would load the library is waited for as long as it has not used much CPU time.
#include "preload/record/guest/hello_patience.h"

#include <gtest/gtest.h>

namespace oomcast::record {
namespace {

constexpr uint64_t kMs = 1'000'000, kBegan = 1'000 * kMs;

TEST(HelloPatience, LastsWhileTheProgramWaitsForACpu) {
  HelloPatience patience;
  EXPECT_TRUE(patience.lasts(kBegan, kBegan, 40 * kMs));
  EXPECT_TRUE(patience.lasts(kBegan, kBegan + 2'000 * kMs, 189 * kMs));
  EXPECT_FALSE(patience.lasts(kBegan, kBegan + 2'000 * kMs, 190 * kMs));
}

TEST(HelloPatience, EndsForOneThatSleeps) {
  HelloPatience patience;
  EXPECT_TRUE(patience.lasts(kBegan, kBegan + 4'999 * kMs, 0));
  EXPECT_FALSE(patience.lasts(kBegan, kBegan + 5'000 * kMs, 0));
}

TEST(HelloPatience, BeginsAnewWithEachProgram) {
  HelloPatience patience;
  ASSERT_TRUE(patience.lasts(kBegan, kBegan, 0));
  ASSERT_FALSE(patience.lasts(kBegan, kBegan + kMs, 500 * kMs));
  EXPECT_TRUE(patience.lasts(kBegan + 2 * kMs, kBegan + 2 * kMs, 500 * kMs));
}

}  // namespace
}  // namespace oomcast::record
