// Some words count as numbers, sizes and CPU lists; others are refused.
#include "model/spec/parse_text.h"

#include <gmock/gmock.h>

#include "model/spec/json/json_lines.h"

namespace oomcast::host {
namespace {

using testing::ElementsAre;

TEST(ParseInteger, TakesTheWholeWordOrNothing) {
  EXPECT_EQ(parse_integer("42", 0, 100), 42);
  EXPECT_EQ(parse_integer("-2", -10, 10), -2);
  for (const char* bad : {"", "4x", " 4", "4 ", "0x4", "+4", "99999999999999999999", "101", "-1", "4.0"}) {
    EXPECT_EQ(parse_integer(bad, 0, 100), std::nullopt) << bad;
  }
}

TEST(ParseSize, KnowsBinaryUnits) {
  EXPECT_EQ(parse_size_bytes("8G"), int64_t{8} << 30);
  EXPECT_EQ(parse_size_bytes("512M"), int64_t{512} << 20);
  EXPECT_EQ(parse_size_bytes("64kB"), 65536);
  EXPECT_EQ(parse_size_bytes("1.5 GiB"), int64_t{3} << 29);
  EXPECT_EQ(parse_size_bytes("4096"), 4096);
  EXPECT_EQ(parse_size_bytes("64T"), int64_t{64} << 40);
}

TEST(ParseSize, RefusesWhatIsNoSize) {
  for (const char* bad : {"", "G", "-1G", "8X", "8GG", "65T", "1.5", "1.G", ".5G", "1.1.1G", "99999999999999999999G"}) {
    EXPECT_EQ(parse_size_bytes(bad), std::nullopt) << bad;
  }
}

TEST(ParseCpuList, ReadsWhatTheKernelPrints) {
  EXPECT_THAT(*parse_cpu_list("0-3,8\n"), ElementsAre(0, 1, 2, 3, 8));
  EXPECT_TRUE(parse_cpu_list("\n")->empty());  // a node without CPUs
  for (const char* bad : {"3-1", "0,0", "a", "0-", "8192", "1-99999"})
    EXPECT_EQ(parse_cpu_list(bad), std::nullopt) << bad;
}

TEST(Suggestion, NamesTheNearestElseAll) {
  EXPECT_EQ(suggestion("swapiness", {"swappiness", "page_cluster"}), "; did you mean 'swappiness'?");
  EXPECT_EQ(suggestion("x", {"swappiness", "page_cluster"}), "; known are: swappiness, page_cluster");
}

TEST(Quote, KeepsATerminalSafe) { EXPECT_EQ(quote(std::string("a\x1b[2J\n", 6)), "'a?[2J?'"); }

TEST(JsonLines, FindsKeysAndElements) {
  const JsonLines lines = json_lines("{\n\"a\": 1,\n\"nodes\": [\n{\"free\": \"x,]{\"},\n{\"free\": 2}]\n}");
  EXPECT_EQ(lines.line_of("a"), 2);
  EXPECT_EQ(lines.line_of("nodes[0].free"), 4);
  EXPECT_EQ(lines.line_of("nodes[1].free"), 5);
  EXPECT_EQ(lines.line_of("nodes[1].absent"), 5);
  EXPECT_EQ(lines.line_of("absent"), 1);
  EXPECT_EQ(lines.duplicate, "");
}

TEST(JsonLines, SeesAKeyThatStandsTwice) {
  const JsonLines lines = json_lines("{\"a\": {\"b\": 1,\n\"b\": 2}}");
  EXPECT_EQ(lines.duplicate, "a.b");
  EXPECT_EQ(lines.duplicate_line, 2);
}

}  // namespace
}  // namespace oomcast::host
