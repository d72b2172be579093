// The options of a sweep that runs in parts, and the check which of them exclude each other.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "report/fleet/fleet_options.h"

namespace oomcast::report {

void add_fleet_options(CLI::App& app, FleetOptions& options);

/// The given options of `sweep` that decide its rows, as words for another call of `oomcast sweep`.
std::vector<std::string> sweep_words(const CLI::App& sweep);

/// Which options exclude each other, as a clause; empty: none do.
std::string fleet_problem(const FleetOptions& options, const CLI::App& sweep);

}  // namespace oomcast::report
