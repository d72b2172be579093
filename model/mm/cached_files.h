// Gives pages of the cache to the files that somebody named. Those that the program, or another process, will read.
//
// Differs: what is cached of a file is its beginning; of the dirty pages, the last. Named files are younger than the
// rest of the cache, and one named later is younger than one named before.
#pragma once

#include "model/mm/kernel.h"

namespace oomcast::mm {

/// Turns pages of the host's file lists into pages of this file, as far as there are any. Before the run begins.
void cache_file(Kernel& k, host::FileIndex file, const host::CachedFileSpec& spec);

}  // namespace oomcast::mm
