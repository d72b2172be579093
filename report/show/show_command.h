// The verb `show`: how the kernel stood at any moment of a finished report, in its own words.
#pragma once

#include "report/show/show_options.h"

namespace CLI {
class App;
}

namespace oomcast::report {

void add_show_options(CLI::App& app, ShowOptions& options);
/// 0: shown; 1: the report does not hold it; 2: bad input.
int show_command(const ShowOptions& options);

}  // namespace oomcast::report
