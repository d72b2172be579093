// Folds page-table entries that follow each other. See page_table.h.
#include "model/host/page_table.h"

namespace oomcast::host {
namespace {
constexpr size_t kRunsMax = 64;
}

bool PageTable::fold() {
  std::vector<Run> runs;
  for (const Pte entry : *open_) {
    if (!runs.empty()) {
      Run& run = runs.back();
      const auto step =
          static_cast<int32_t>(entry.raw_ - (run.first + static_cast<uint32_t>(int32_t{run.step} * (run.entries - 1))));
      if (step >= -1 && step <= 1 && (run.entries == 1 || run.step == step)) {
        run.step = static_cast<int16_t>(step);
        ++run.entries;
        continue;
      }
    }
    if (runs.size() == kRunsMax) return false;
    runs.push_back({entry.raw_, 1, 0});
  }
  runs_.assign(runs.begin(), runs.end());
  open_.reset();
  return true;
}

Pte PageTable::folded(uint64_t index) const {
  for (const Run& run : runs_) {
    if (index < run.entries)
      return Pte(run.first + static_cast<uint32_t>(int32_t{run.step} * static_cast<int32_t>(index)));
    index -= run.entries;
  }
  return Pte::none();
}

void PageTable::unfold() {
  auto entries = std::make_unique<std::array<Pte, kEntries>>();
  uint64_t at = 0;
  for (const Run& run : runs_) {
    for (uint32_t nth = 0; nth < run.entries; ++nth)
      (*entries)[at++] = Pte(run.first + static_cast<uint32_t>(int32_t{run.step} * static_cast<int32_t>(nth)));
  }
  runs_ = {};
  open_ = std::move(entries);
}

}  // namespace oomcast::host
