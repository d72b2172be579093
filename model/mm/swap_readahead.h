// State of swap readahead between faults.
#pragma once

#include <cstdint>

namespace oomcast::mm {

/// swapin_readahead_hits and the static variables of swapin_nr_pages() (mm/swap_state.c).
struct SwapReadahead {
  int64_t hits = 4;
  int64_t prev_offset = 0;
  int64_t last_pages = 0;
};

}  // namespace oomcast::mm
