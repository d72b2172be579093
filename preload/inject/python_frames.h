// Finds the Python functions that led to a sampled allocation.
#pragma once

#include <cstdint>

namespace oomcast::inject {

/// Looks for a CPython 3.8 to 3.13 in the program. Calls the loader: only where that is safe.
void find_python();

/// Puts the Python frames of this thread in place of the interpreter's own among `count` program counters, innermost
/// first. `frames` has room for ring::kFramesMax. Returns how many words there are then.
uint32_t weave_python_frames(uint64_t* frames, uint32_t count);

}  // namespace oomcast::inject
