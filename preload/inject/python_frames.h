// Finds the Python functions that led to a sampled allocation.
#pragma once

#include <cstdint>

namespace oomcast::inject {

/// Looks for CPython 3.8 to 3.13 in the process. Calls dlsym(): only where the loader may be called.
void find_python();

/// Replaces the interpreter's own frames among `count` program counters, innermost first, by this thread's Python
/// frames (ring/python_words.h). `frames` has room for ring::kFramesMax words. Returns the number of words.
uint32_t weave_python_frames(uint64_t* frames, uint32_t count);

}  // namespace oomcast::inject
