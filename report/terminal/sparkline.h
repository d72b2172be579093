// Draws how free memory moved against a node's watermarks, as one short line of text.
#pragma once

#include <string>
#include <vector>

#include "model/sim/outcome.h"

namespace oomcast::report {

/// Marks of a node: its zones above DMA taken together, as in Outcome::bands; and what zone DMA holds back from
/// requests that could be elsewhere.
struct NodeMarks {
  Pages min, low, high, held_back;
};
NodeMarks marks_of(const host::NodeSpec& node);

/// One level per cell, 0 to 7: below min, below low, below high, and five steps from high to the most that was free.
std::vector<int> free_levels(const sim::Outcome& outcome, size_t node_index, size_t cells);

/// "▇▇▆▄▂▁" of these levels; coloured by them if asked, in letters of ASCII if the terminal shows no others.
std::string sparkline(const std::vector<int>& levels, bool color, bool ascii);

/// Whether the environment names a locale that is not UTF-8 (LC_ALL, LC_CTYPE, LANG; none of them: UTF-8 is taken for
/// granted).
bool locale_is_ascii();

}  // namespace oomcast::report
