// Holds what readahead from swap learns from one fault to the next.
#pragma once

#include <cstdint>

namespace oomcast::mm {

/// What swapin_nr_pages() remembers between faults (mm/swap_state.c).
struct SwapReadahead {
  int64_t hits = 4;
  int64_t prev_offset = 0;
  int64_t last_pages = 0;
};

}  // namespace oomcast::mm
