// Options that have no effect on a program that does not load the capture library.
#pragma once

#include <string>
#include <vector>

#include "preload/record/recorder.h"
#include "report/command_line.h"

namespace oomcast::report {

/// The given options that need hooks inside the program, as the user wrote them: "--present-host". Empty: none.
std::vector<std::string> options_that_need_hooks(const RunOptions& options);

/// A sentence for the report about these options; empty if none was given, or if the program loads the library.
std::string left_out_without_hooks(const RunOptions& options, record::LibraryUse library);

}  // namespace oomcast::report
