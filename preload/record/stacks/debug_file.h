// Finds the separate debug file of a program or library.
#pragma once

#include <elfutils/libdwfl.h>

namespace oomcast::record {

/// A find_debuginfo callback for libdwfl. Returns an open descriptor, or -1: none was found. Looks by build ID below
/// /usr/lib/debug, then for the name in .gnu_debuglink: beside the file, in .debug beside it, and below /usr/lib/debug.
/// A file found by name is accepted only with the same build ID. Unlike dwfl_standard_find_debuginfo() it does not ask
/// debuginfod servers: that loads libcurl and thirty other libraries before it looks whether a server is set, 20 ms at
/// the end of each run.
int find_debug_file(Dwfl_Module* module, void** user_data, const char* module_name, Dwarf_Addr base,
                    const char* file_name, const char* debug_link, GElf_Word debug_link_crc, char** found_name);

}  // namespace oomcast::record
