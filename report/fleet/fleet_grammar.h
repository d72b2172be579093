// Reads the options of a sweep that is run in parts, and says which do not go together.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "report/fleet/fleet_options.h"

namespace oomcast::report {

void add_fleet_options(CLI::App& app, FleetOptions& options);

/// The options of `sweep` that were given and that decide its rows, as words for another call of it.
std::vector<std::string> sweep_words(const CLI::App& sweep);

/// Why the options do not go together; empty: they do.
std::string fleet_problem(const FleetOptions& options, const CLI::App& sweep);

}  // namespace oomcast::report
