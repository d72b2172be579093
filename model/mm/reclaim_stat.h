// Remembers which pages of each type reclaim found in use: what weighed anonymous against file pages before Linux 5.8.
//
// Mirrors struct zone_reclaim_stat, update_page_reclaim_stat() (mm/swap.c) and the fractions of get_scan_count()
// (mm/vmscan.c) of Linux 4.19. Differs: what had been counted before the run is not known; a host starts with nothing.
#pragma once

#include <array>
#include <cstdint>

#include "model/mm/kernel.h"

namespace oomcast::mm {

/// `scanned` pages of a type were looked at or added, and `rotated` of them are in use. Nothing from Linux 5.8 on.
void note_rotation(Kernel& k, host::Lruvec& lruvec, bool file, int64_t scanned, int64_t rotated);
/// The same for one page.
void note_rotation(Kernel& k, const host::Page& page, int64_t scanned, int64_t rotated);

struct ScanFractions {
  std::array<int64_t, 2> of_type;  // anonymous, file
  int64_t denominator;
};
/// Lets old counts decay, and gives the share of each type. `swappiness`: 0 to 200.
ScanFractions rotation_fractions(host::Lruvec& lruvec, int64_t swappiness);

}  // namespace oomcast::mm
