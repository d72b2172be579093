// The parser reads what memload reads, and draws the same pages. Goldens come from the compiled program.
#include "tests/ground_truth/memload_script.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "model/base/fnv1a.h"

namespace oomcast::ground_truth {
namespace {

/// Over the little-endian bytes, so that a golden of 320,000 bytes fits on one line.
uint64_t digest(const std::vector<uint32_t>& pages) {
  Fnv1a hash;
  for (const uint32_t page : pages) {
    for (int shift = 0; shift < 32; shift += 8) hash.add_byte(static_cast<uint8_t>(page >> shift));
  }
  return hash.value();
}

std::vector<uint32_t> zipf_pages(int64_t seed, int count, uint64_t pages) {
  MemloadRandom random(seed);
  std::vector<uint32_t> drawn;
  for (int i = 0; i < count; ++i) drawn.push_back(static_cast<uint32_t>(random.zipf_page(pages)));
  return drawn;
}

uint64_t mib_in_pages(uint64_t mib) { return mib << 8; }

// The digests were written by memload.c itself (gcc -O2, page() made to log its index).
TEST(MemloadRandom, ZipfDrawsThePagesOfTheCompiledProgram) {
  const std::vector<uint32_t> drawn = zipf_pages(1, 80000, mib_in_pages(550));
  const std::vector<uint32_t> first(drawn.begin(), drawn.begin() + 8);
  EXPECT_EQ(first, (std::vector<uint32_t>{23322, 1174, 16701, 11525, 27035, 20618, 6180, 23147}));
  EXPECT_EQ(digest(drawn), 0x45001601a63645c7u);
  EXPECT_EQ(digest(zipf_pages(5, 20000, mib_in_pages(250))), 0x68f62c1267f59b27u);
}

TEST(MemloadRandom, UniformDrawsThePagesOfTheCompiledProgram) {
  MemloadRandom random(7);
  std::vector<uint32_t> drawn;
  for (int i = 0; i < 50000; ++i) drawn.push_back(static_cast<uint32_t>(random.uniform_page(mib_in_pages(100))));
  EXPECT_EQ(drawn.front(), 23590u);
  EXPECT_EQ(digest(drawn), 0xa95a3aa49a4b2815u);
}

TEST(ParseScript, ReadsTheStepsOfACase) {
  const auto script = parse_script("taskset 1 memload anon:0:550M w:0 zipf:0:80000:1");
  ASSERT_TRUE(script.ok()) << script.error().message;
  EXPECT_EQ(script->pinned_cpu, 0);
  ASSERT_EQ(script->steps.size(), 3u);
  EXPECT_EQ(script->steps[0].kind, StepKind::kAnon);
  EXPECT_EQ(script->steps[0].size, 550u << 20);
  EXPECT_TRUE(script->steps[1].whole);
  EXPECT_EQ(script->steps[2].count, 80000);
  EXPECT_EQ(script->steps[2].seed, 1);
}

TEST(ParseScript, ReadsPercentRangesAndFractions) {
  const auto script = parse_script("memload anon:33:1.5K w:1:25:75 loop:3:1 rate:0.5");
  ASSERT_TRUE(script.ok());
  EXPECT_EQ(script->pinned_cpu, -1);
  EXPECT_EQ(script->steps[0].region, 1) << "region numbers wrap at 32";
  EXPECT_EQ(script->steps[0].size, 1536u);
  EXPECT_FALSE(script->steps[1].whole);
  EXPECT_EQ(script->steps[1].to_percent, 75);
  EXPECT_EQ(script->steps[2].count, 3);
  EXPECT_EQ(script->steps[3].rate, 0.5);
}

TEST(ParseScript, ReadsWhatIsDoneToHugePages) {
  const auto script = parse_script("memload anon:0:8M nohuge:0 huge:0 punch:0:64:512 collapse:0");
  ASSERT_TRUE(script.ok()) << script.error().message;
  EXPECT_EQ(script->steps[1].kind, StepKind::kNoHuge);
  EXPECT_EQ(script->steps[2].kind, StepKind::kHuge);
  EXPECT_EQ(script->steps[3].first_page, 64u);
  EXPECT_EQ(script->steps[3].last_page, 512u);
  EXPECT_EQ(script->steps[4].kind, StepKind::kCollapse);
  EXPECT_FALSE(parse_script("memload anon:0:8M punch:0:64:513").ok());
}

TEST(ParseScript, ReadsTheChildOfAFork) {
  const auto script = parse_script("memload fork:anon:0:1M+w:0+sleep:5 wait");
  ASSERT_TRUE(script.ok());
  ASSERT_EQ(script->steps[0].kind, StepKind::kFork);
  ASSERT_EQ(script->steps[0].child.size(), 3u);
  EXPECT_EQ(script->steps[0].child[2].number, 5);
}

TEST(ParseScript, NamesTheStepThatItCannotRead) {
  for (const char* step : {"heap:0:1M", "heap:0:1M:0", "w:0:10", "bogus:1", "rnd:0"}) {
    const auto script = parse_script(std::string("memload ") + step);
    ASSERT_FALSE(script.ok()) << step;
    EXPECT_NE(script.error().message.find(step), std::string::npos) << script.error().message;
  }
}

TEST(ParseScript, TellsOtherProgramsFromMemload) {
  EXPECT_FALSE(is_memload("taskset 1 redis-server --port 0 & sleep 3"));
  EXPECT_FALSE(is_memload("taskset 1 perl -e '1'"));
  EXPECT_FALSE(is_memload("taskset 1"));
  EXPECT_TRUE(is_memload("/tmp/x/memload anon:0:1M"));
}

}  // namespace
}  // namespace oomcast::ground_truth
