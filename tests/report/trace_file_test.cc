// A trace reaches its file block by block, and ends with a whole block when the disk is full.
#include "report/trace_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>

namespace oomcast::report {
namespace {

using testing::HasSubstr;

std::string temporary() { return testing::TempDir() + "oomcast-trace-file-test." + std::to_string(::getpid()); }

TEST(TraceFile, BlocksAreInTheFileAtOnce) {
  auto file = TraceFile::create(temporary());
  ASSERT_TRUE(file.ok());
  EXPECT_TRUE(file->append("one"));
  EXPECT_EQ(read_trace_file(temporary()).value(), "one");
  EXPECT_TRUE(file->append("two"));
  EXPECT_EQ(read_trace_file(temporary()).value(), "onetwo");
}

TEST(TraceFile, WhatDoesNotFitIsTakenBack) {
  auto file = TraceFile::create(temporary());
  ASSERT_TRUE(file.ok());
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 5;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  EXPECT_TRUE(file->append("abc"));
  EXPECT_FALSE(file->append("defgh"));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(read_trace_file(temporary()).value(), "abc");
  EXPECT_THAT(file->error(), HasSubstr("after 3 bytes; the run goes on"));
}

TEST(TraceFile, APlaceThatCannotBeWrittenIsNamed) {
  auto file = TraceFile::create("/no-such-directory/t.trace");
  ASSERT_FALSE(file.ok());
  EXPECT_THAT(file.error().message, HasSubstr("/no-such-directory/t.trace"));
  EXPECT_THAT(read_trace_file("/no-such-file").error().message, HasSubstr("/no-such-file"));
  EXPECT_THAT(read_trace_file("/").error().message, HasSubstr("/: Is a directory"));
}

}  // namespace
}  // namespace oomcast::report
