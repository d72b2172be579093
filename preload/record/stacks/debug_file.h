// Finds the debug information that was split off a program or library.
#pragma once

#include <elfutils/libdwfl.h>

namespace oomcast::record {

/// A find_debuginfo callback for libdwfl: an open descriptor, or -1. Looks by build ID below /usr/lib/debug, then by
/// the name in .gnu_debuglink beside the file, in .debug beside it and below /usr/lib/debug; a file found by name
/// counts only with the same build ID. dwfl_standard_find_debuginfo() would go on to ask servers on the network
/// (debuginfod), and loads libcurl and thirty libraries more before it looks whether any are set: 20 ms at the end of
/// each run.
int find_debug_file(Dwfl_Module* module, void** user_data, const char* module_name, Dwarf_Addr base,
                    const char* file_name, const char* debug_link, GElf_Word debug_link_crc, char** found_name);

}  // namespace oomcast::record
