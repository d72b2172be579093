// Draws free memory against a node's watermarks. See sparkline.h.
#include "report/terminal/sparkline.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "report/more_memory.h"

namespace oomcast::report {
namespace {

constexpr const char* kBlocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
constexpr const char* kLetters[] = {"_", ".", "-", "=", "+", "*", "#", "@"};
constexpr int kBelowMin = 0, kBelowLow = 1, kBelowHigh = 2, kFirstAbove = 3, kLevelsAbove = 5;

const char* color_of(int level) {
  return level == kBelowMin ? "\x1b[31m" : level <= kBelowHigh ? "\x1b[33m" : "\x1b[32m";
}

int level_of(Pages free, const NodeMarks& marks, Pages most) {
  if (free < marks.min) return kBelowMin;
  if (free < marks.low) return kBelowLow;
  if (free < marks.high) return kBelowHigh;
  const int64_t room = std::max<int64_t>(1, (most - marks.high).count());
  const int64_t step = (free - marks.high).count() * kLevelsAbove / room;
  return kFirstAbove + static_cast<int>(std::clamp<int64_t>(step, 0, kLevelsAbove - 1));
}

}  // namespace

NodeMarks marks_of(const host::NodeSpec& node) {
  NodeMarks marks;
  for (const host::ZoneSpec& zone : node.zones) {
    if (zone.kind == host::ZoneKind::kDma && node.zones.size() > 1) {
      marks.held_back += held_back(zone);
      continue;
    }
    marks.min += zone.watermarks.min;
    marks.low += zone.watermarks.low;
    marks.high += zone.watermarks.high;
  }
  return marks;
}

/// Each cell has the least free memory of its interval, so that a short dip is visible.
std::vector<int> free_levels(const sim::Outcome& outcome, size_t node_index, size_t cells) {
  const NodeMarks marks = marks_of(outcome.host.nodes[node_index]);
  std::vector<std::optional<Pages>> least(cells);
  Pages most;
  if (outcome.timeline.empty() || cells == 0) return {};
  const int64_t begin = outcome.timeline.front().t.count();
  const int64_t length = std::max<int64_t>(1, outcome.timeline.back().t.count() - begin);
  for (const sim::TimelineRow& row : outcome.timeline) {
    if (node_index >= row.node_free.size()) continue;
    const Pages free = std::max(Pages(0), row.node_free[node_index] - marks.held_back);
    const auto share = static_cast<double>(row.t.count() - begin) / static_cast<double>(length);
    std::optional<Pages>& cell = least[std::min(cells - 1, static_cast<size_t>(share * static_cast<double>(cells)))];
    cell = cell ? std::min(*cell, free) : free;
    most = std::max(most, free);
  }
  std::vector<int> levels;
  Pages last = least.front().value_or(most);
  for (const std::optional<Pages>& free : least) {
    last = free.value_or(last);  // no sample is in this cell
    levels.push_back(level_of(last, marks, most));
  }
  return levels;
}

std::string sparkline(const std::vector<int>& levels, bool color, bool ascii) {
  std::string text;
  const char* tint = "";
  for (int level : levels) {
    if (color && tint != color_of(level)) text += tint = color_of(level);
    text += (ascii ? kLetters : kBlocks)[level];
  }
  return color && !levels.empty() ? text + "\x1b[0m" : text;
}

bool locale_is_ascii() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    std::string locale(value);
    std::transform(locale.begin(), locale.end(), locale.begin(), [](unsigned char c) { return std::tolower(c); });
    return locale.find("utf-8") == std::string::npos && locale.find("utf8") == std::string::npos;
  }
  return false;
}

}  // namespace oomcast::report
