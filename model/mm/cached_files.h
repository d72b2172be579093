// Assigns page-cache pages of the host to named files, which the program or another process will read.
//
// Differs: a file's cached pages are its first ones, and the dirty ones the last of these. Named files are younger than
// the rest of the page cache, and a file named later is younger than one named before.
#pragma once

#include "model/mm/kernel.h"

namespace oomcast::mm {

/// Turns pages of the host's file lists into pages of this file, as far as there are any. To be called before the run.
void cache_file(Kernel& k, host::FileIndex file, const host::CachedFileSpec& spec);

}  // namespace oomcast::mm
