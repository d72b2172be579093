// Balances anonymous against file pages by what was found in use. See reclaim_stat.h.
#include "model/mm/reclaim_stat.h"

namespace oomcast::mm {

using host::LruKindIndex;

void note_rotation(Kernel& k, host::Lruvec& lruvec, bool file, int64_t scanned, int64_t rotated) {
  if (k.follows(host::KernelRule::kRefaultCosts)) return;
  lruvec.recent_scanned[file] += scanned;
  lruvec.recent_rotated[file] += rotated;
}

void note_rotation(Kernel& k, const host::Page& page, int64_t scanned, int64_t rotated) {
  if (k.follows(host::KernelRule::kRefaultCosts)) return;
  note_rotation(k, k.host.lruvec_of(page), !page.has(host::kPageSwapBacked), scanned, rotated);
}

ScanFractions rotation_fractions(host::Lruvec& lruvec, int64_t swappiness) {
  const std::array<int64_t, 2> sizes{lruvec.size(LruKindIndex::kInactiveAnon) + lruvec.size(LruKindIndex::kActiveAnon),
                                     lruvec.size(LruKindIndex::kInactiveFile) + lruvec.size(LruKindIndex::kActiveFile)};
  const std::array<int64_t, 2> priorities{swappiness, 200 - swappiness};
  ScanFractions out{};
  for (size_t type = 0; type < 2; ++type) {
    if (lruvec.recent_scanned[type] > sizes[type] / 4) {
      lruvec.recent_scanned[type] /= 2;
      lruvec.recent_rotated[type] /= 2;
    }
    out.of_type[type] = priorities[type] * (lruvec.recent_scanned[type] + 1) / (lruvec.recent_rotated[type] + 1);
  }
  out.denominator = out.of_type[0] + out.of_type[1] + 1;
  return out;
}

}  // namespace oomcast::mm
