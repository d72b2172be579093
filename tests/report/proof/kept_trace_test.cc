// The recording is kept whole, in memory or in a file, and what cannot be kept is said.
#include "report/proof/kept_trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

namespace oomcast::report {
namespace {

std::string kept(KeptTrace& trace) {
  auto view = trace.view();
  return view ? std::string(view.value()) : "error: " + view.error().message;
}

TEST(KeptTrace, ASmallOneStaysInMemory) {
  KeptTrace trace(100);
  EXPECT_TRUE(trace.append("abc"));
  EXPECT_TRUE(trace.append("def"));
  EXPECT_EQ(kept(trace), "abcdef");
  EXPECT_FALSE(trace.in_file());
}

TEST(KeptTrace, ALargeOneGoesToAFileWithoutAName) {
  const auto files = [] {
    size_t count = 0;
    for ([[maybe_unused]] const auto& each : std::filesystem::directory_iterator(std::getenv("TMPDIR"))) ++count;
    return count;
  };
  const std::string directory = testing::TempDir() + "kept_trace_test";
  std::filesystem::create_directories(directory);
  ::setenv("TMPDIR", directory.c_str(), 1);
  {
    KeptTrace trace(8);
    std::string all;
    for (int i = 0; i < 100; ++i) {
      const std::string block = "block " + std::to_string(i) + ";";
      EXPECT_TRUE(trace.append(block));
      all += block;
    }
    EXPECT_TRUE(trace.in_file());
    EXPECT_EQ(kept(trace), all);
    EXPECT_EQ(files(), 0u);
  }
  ::unsetenv("TMPDIR");
  std::filesystem::remove_all(directory);
}

TEST(KeptTrace, NothingIsKeptBeyondTheBound) {
  KeptTrace trace(4, 8);
  EXPECT_TRUE(trace.append("12345678"));
  EXPECT_FALSE(trace.append("9"));
  EXPECT_FALSE(trace.append(""));
  EXPECT_THAT(kept(trace), testing::HasSubstr("use --trace"));
}

TEST(KeptTrace, APlaceThatCannotBeWrittenIsNamed) {
  ::setenv("TMPDIR", "/no/such/place", 1);
  KeptTrace trace(4);
  EXPECT_FALSE(trace.append("12345678"));
  EXPECT_THAT(kept(trace), testing::HasSubstr("/no/such/place"));
  ::unsetenv("TMPDIR");
}

}  // namespace
}  // namespace oomcast::report
