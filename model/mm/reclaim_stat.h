// Counts the pages of each type that reclaim found in use: before Linux 5.8 that balanced anonymous against file pages.
//
// Mirrors struct zone_reclaim_stat, update_page_reclaim_stat() (mm/swap.c) and the fractions of get_scan_count()
// (mm/vmscan.c) of Linux 4.19. Differs: counts from before the run are unknown, so a host starts with 0.
#pragma once

#include <array>
#include <cstdint>

#include "model/mm/kernel.h"

namespace oomcast::mm {

/// update_page_reclaim_stat(): `scanned` pages of a type were scanned or added, `rotated` of them are in use. No effect
/// from Linux 5.8 on.
void note_rotation(Kernel& k, host::Lruvec& lruvec, bool file, int64_t scanned, int64_t rotated);
/// The same for one page.
void note_rotation(Kernel& k, const host::Page& page, int64_t scanned, int64_t rotated);

struct ScanFractions {
  std::array<int64_t, 2> of_type;  // anonymous, file
  int64_t denominator;
};
/// The fractions of get_scan_count(), after halving large counts. `swappiness`: 0 to 200.
ScanFractions rotation_fractions(host::Lruvec& lruvec, int64_t swappiness);

}  // namespace oomcast::mm
