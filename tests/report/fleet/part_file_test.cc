// A part's file gives back exactly what was put in, and whatever is not such a file is refused in one line.
#include "report/fleet/part_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/fleet/row_json.h"
#include "tests/report/fleet/fleet_sweep.h"

namespace oomcast::report {
namespace {

using testing::HasSubstr;

class PartFile : public testing::Test {
 protected:
  FleetSweep fleet;
  PartContent content{"sweep", "hosts", {2, 3}, {4, 4}, {"memory", "vm.swappiness"}, {}};
  void SetUp() override { content.rows = forecast_rows(fleet.input(), fleet.combinations(), {4, 4}, 2).value(); }
};

std::string error_of(const std::string& text) {
  auto parsed = parse_part_file(text);
  return parsed.ok() ? "" : parsed.error().message;
}

TEST_F(PartFile, GivesBackWhatWasPutIn) {
  const std::string text = part_text(content);
  auto parsed = parse_part_file(text);
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_EQ(parsed->part.number, 2u);
  EXPECT_EQ(parsed->range.first, 4u);
  EXPECT_EQ(parsed->keys, content.keys);
  ASSERT_EQ(parsed->rows.size(), 4u);
  EXPECT_EQ(part_text(parsed.value()), text);
  const std::vector<Variation> variations = fleet.combinations().variations();
  EXPECT_EQ(sweep_json(variations, parsed->rows), sweep_json(variations, content.rows));
  EXPECT_EQ(sweep_table(variations, parsed->rows), sweep_table(variations, content.rows));
}

TEST_F(PartFile, TakesEveryKindOfRow) {
  SweepRow odd;
  odd.values = {"4G", "a\nb\xff"};
  odd.incomplete = "cut";
  odd.unrecorded_uses = true;
  odd.figures.victim = "caf\xe9 \xf0\x9f\x98\x80";
  odd.figures.stall.longest = Nanoseconds(INT64_MAX);
  odd.figures.pswpin = INT64_MIN;
  odd.figures.oom_kill = Beginning{Nanoseconds(1), Bytes(-1)};
  content.rows = {odd};
  content.range.count = 1;
  auto parsed = parse_part_file(part_text(content));
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  const SweepRow& row = parsed->rows.front();
  EXPECT_EQ(row.values, odd.values);
  EXPECT_EQ(row.figures.victim, odd.figures.victim);
  EXPECT_EQ(row.figures.stall.longest, Nanoseconds(INT64_MAX));
  EXPECT_EQ(row.figures.pswpin, INT64_MIN);
  EXPECT_EQ(row.figures.oom_kill->app_footprint, Bytes(-1));
  EXPECT_FALSE(row.verdict) << "withheld stays withheld";
  EXPECT_TRUE(row.unrecorded_uses);
  EXPECT_FALSE(row.other_limits);
}

TEST_F(PartFile, CutOffAnywhereIsRefused) {
  const std::string text = part_text(content);
  for (size_t length = 0; length < text.size(); ++length) EXPECT_NE(error_of(text.substr(0, length)), "") << length;
  EXPECT_EQ(error_of(""), "is empty");
  EXPECT_THAT(error_of(text.substr(0, text.size() - 1)), HasSubstr("cut off after 4 of 4 rows"));
  EXPECT_THAT(error_of(text.substr(0, text.size() * 2 / 3)), HasSubstr("is cut off after "));
}

TEST_F(PartFile, AByteThatChangedIsRefused) {
  const std::string text = part_text(content);
  for (size_t i = 0; i < text.size(); ++i)
    for (const int flip : {1, 0x20, 0x80}) {
      std::string changed = text;
      changed[i] = static_cast<char>(changed[i] ^ flip);
      const std::string error = error_of(changed);
      EXPECT_NE(error, "") << "byte " << i << " as " << changed[i];
      EXPECT_EQ(error.find('\n'), std::string::npos);
    }
}

TEST_F(PartFile, LinesThatAreRepeatedOrMissingOrStrangeAreRefused) {
  const std::string text = part_text(content);
  const size_t second = text.find('\n') + 1, third = text.find('\n', second) + 1;
  EXPECT_NE(error_of(text + text), "");
  EXPECT_NE(error_of(text + "\n"), "");
  EXPECT_NE(error_of(text.substr(0, second) + text.substr(third)), "");
  EXPECT_NE(error_of(text.substr(0, third) + text.substr(second)), "");
  EXPECT_THAT(error_of("memory  verdict\n"), HasSubstr("does not begin as a part"));
  EXPECT_THAT(error_of(std::string(1 << 20, '[') + "\n"), HasSubstr("does not begin as a part"));
  EXPECT_NE(error_of(text.substr(0, second) + std::string(1 << 20, '[') + "\n"), "");
}

TEST(RowJson, AKeyOfAnotherTypeIsNoRow) {
  SweepRow row;
  row.values = {"1G"};
  row.figures.kswapd_wake = Beginning{};
  const nlohmann::ordered_json json = row_json(row);
  ASSERT_TRUE(row_from(json));
  for (const auto& [key, value] : json.items()) {
    nlohmann::ordered_json other = json, none = json;
    other[key] = nlohmann::ordered_json::object();
    none.erase(key);
    EXPECT_FALSE(row_from(other)) << key;
    EXPECT_FALSE(row_from(none)) << key;
  }
}

}  // namespace
}  // namespace oomcast::report
