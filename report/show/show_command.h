// The verb `show`: the kernel's state at any moment of a finished report, in the kernel's own formats.
#pragma once

#include "report/show/show_options.h"

namespace CLI {
class App;
}

namespace oomcast::report {

void add_show_options(CLI::App& app, ShowOptions& options);
/// Exit status. 0: shown; 1: the report does not have it; 2: bad input.
int show_command(const ShowOptions& options);

}  // namespace oomcast::report
