// Draws a node's free memory over time against its watermarks, as one short line of text.
#pragma once

#include <string>
#include <vector>

#include "model/sim/outcome.h"

namespace oomcast::report {

/// Marks of a node: the sums over its zones above DMA, as in Outcome::bands. held_back: what zone DMA holds back from
/// requests that could use other zones.
struct NodeMarks {
  Pages min, low, high, held_back;
};
NodeMarks marks_of(const host::NodeSpec& node);

/// One level per cell, 0 to 7: below min, below low, below high, and five steps from high to the most that was free.
std::vector<int> free_levels(const sim::Outcome& outcome, size_t node_index, size_t cells);

/// The levels as "▇▇▆▄▂▁". `color`: coloured by level; `ascii`: for terminals without block characters.
std::string sparkline(const std::vector<int>& levels, bool color, bool ascii);

/// Whether LC_ALL, LC_CTYPE or LANG names a locale that is not UTF-8. If none is set, UTF-8 is assumed.
bool locale_is_ascii();

}  // namespace oomcast::report
