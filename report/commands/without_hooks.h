// What was asked for and cannot be done to a program that does not load the capture library.
#pragma once

#include <string>
#include <vector>

#include "preload/record/recorder.h"
#include "report/command_line.h"

namespace oomcast::report {

/// The options that were given and need hooks inside of the program, as they are written: "--present-host". Empty:
/// none.
std::vector<std::string> options_that_need_hooks(const RunOptions& options);

/// The report's sentence about them; empty: none was given, or the program loads the library.
std::string left_out_without_hooks(const RunOptions& options, record::LibraryUse library);

}  // namespace oomcast::report
