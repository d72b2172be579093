// Which stacks were sampled? See stack_table.h.
#include "preload/record/stack_table.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <utility>

namespace oomcast::record {
namespace {

constexpr size_t kStacksMax = 100'000;

}  // namespace

uint32_t StackTable::intern(std::span<const uint64_t> counters, const std::vector<Vma>& maps) {
  std::vector<Frame> frames;
  frames.reserve(counters.size());
  for (const uint64_t counter : counters) {
    if (counter == 0) break;
    Frame frame{0, counter};
    const auto at = std::upper_bound(maps.begin(), maps.end(), counter, [](uint64_t value, const Vma& vma) { return value < vma.end; });
    if (at != maps.end() && counter >= at->start && !at->name.empty() && at->name[0] == '/') {
      auto [number, fresh] = module_numbers_.try_emplace(at->name, static_cast<uint32_t>(modules_.size()));
      if (fresh) modules_.push_back(at->name);
      frame = {number->second, counter - at->start + at->file_offset};
    }
    frames.push_back(frame);
  }
  if (frames.empty()) return 0;
  if (const auto at = numbers_.find(frames); at != numbers_.end()) return at->second;
  if (stacks_.size() >= kStacksMax) {
    ++left_out_;
    return 0;
  }
  const auto number = static_cast<uint32_t>(stacks_.size()) + 1;
  stacks_.push_back({&numbers_.emplace(std::move(frames), number).first->first});
  return number;
}

void StackTable::will_be_read(uint32_t number) {
  if (number == 0 || std::exchange(stacks_[number - 1].read, true)) return;
  for (const Frame& frame : *stacks_[number - 1].frames)
    if (frame.module != 0) symbolizer_.want(modules_[frame.module], frame.offset);
}

std::vector<std::vector<std::string>> StackTable::resolve() {
  symbolizer_.finish();
  std::vector<std::vector<std::string>> out;
  for (const Stack& stack : stacks_) {
    std::vector<std::string>& texts = out.emplace_back();
    if (!stack.read) continue;
    for (const Frame& frame : *stack.frames) {
      if (frame.module != 0) {
        const std::vector<std::string>& names = symbolizer_.names(modules_[frame.module], frame.offset);
        texts.insert(texts.end(), names.begin(), names.end());
        continue;
      }
      char plain[32];
      std::snprintf(plain, sizeof plain, "0x%" PRIx64, frame.offset);
      texts.emplace_back(plain);
    }
  }
  return out;
}

}  // namespace oomcast::record
