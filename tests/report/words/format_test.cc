// A quantity is printed so that nobody misreads it.
#include "report/words/format.h"

#include <gtest/gtest.h>

namespace oomcast::report {
namespace {

using namespace oomcast::literals;

TEST(Format, PagesComeWithTheirBytes) {
  EXPECT_EQ(pages_text(337017_pages), "337,017 pages (1.29 GiB)");  // the guide that read this as 337 MB
  EXPECT_EQ(pages_text(1_pages), "1 page (4.0 KiB)");
}

TEST(Format, OnePointIsNotPlural) {
  EXPECT_EQ(points_text(10240), "10,240 points");
  EXPECT_EQ(points_text(1), "1 point");
}

TEST(Format, BytesTakeTheUnitThatRoundingReaches) {
  EXPECT_EQ(bytes_text(Bytes(1023)), "1023 B");
  EXPECT_EQ(bytes_text(1_KiB), "1.0 KiB");
  EXPECT_EQ(bytes_text(1024_MiB - Bytes(1)), "1.00 GiB");
  EXPECT_EQ(bytes_text(-(3_MiB)), "-3.0 MiB");
}

TEST(Format, WhatMustBeEnoughIsRoundedUp) {
  EXPECT_EQ(at_least_text(Bytes(0)), "0 B");
  EXPECT_EQ(at_least_text(263_MiB), "263.0 MiB");
  EXPECT_EQ(at_least_text(263_MiB + Bytes(1)), "263.1 MiB");
  EXPECT_EQ(at_least_text(1024_MiB - Bytes(1)), "1.00 GiB");
  EXPECT_EQ(at_least_text(1536_MiB + Bytes(1)), "1.51 GiB");
}

TEST(Format, WordsForOptionsAreExact) {
  EXPECT_EQ(size_word(0), "0");
  EXPECT_EQ(size_word(4097), "4097");
  EXPECT_EQ(size_word(640 << 10), "640K");
  EXPECT_EQ(size_word(1025 << 20), "1025M");
  EXPECT_EQ(size_word(int64_t{16} << 30), "16G");
}

TEST(Format, CountsAreGrouped) {
  EXPECT_EQ(count_text(0), "0");
  EXPECT_EQ(count_text(-1234567), "-1,234,567");
  EXPECT_EQ(count_text(123), "123");
}

TEST(Format, DurationsKeepTheirPrecision) {
  EXPECT_EQ(duration_text(0_ns), "0 s");
  EXPECT_EQ(duration_text(900_ns), "0.9 us");
  EXPECT_EQ(duration_text(140_us), "0.14 ms");
  EXPECT_EQ(duration_text(312_ms), "312 ms");
  EXPECT_EQ(duration_text(1820_ms), "1.82 s");
}

TEST(Format, TimeLeftIsInWholeSeconds) {
  EXPECT_EQ(left_text(0.4), "0 s");
  EXPECT_EQ(left_text(59.4), "59 s");
  EXPECT_EQ(left_text(190), "3 min 10 s");
}

TEST(Format, LinesOfMeminfoAreTheKernels) { EXPECT_EQ(proc_line("MemTotal", 480128), "MemTotal:         480128 kB\n"); }

TEST(Format, SignalsHaveTheirName) { EXPECT_EQ(signal_text(9), "signal 9 (SIGKILL)"); }

TEST(CpuListText, NamesRunsByTheirEnds) {
  EXPECT_EQ(cpu_list_text({0, 1, 2, 3, 8}), "0-3,8");
  EXPECT_EQ(cpu_list_text({5}), "5");
  EXPECT_EQ(cpu_list_text({}), "");
}

}  // namespace
}  // namespace oomcast::report
