// Options of the verbs that read a report or a log: check, diff, page, explain.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "report/command_line.h"

namespace oomcast::report {

void add_check_options(CLI::App& app, GateOptions& options);
void add_diff_options(CLI::App& app, GateOptions& options);
void add_page_options(CLI::App& app, PageOptions& options);
void add_explain_options(CLI::App& app, ExplainOptions& options);

/// Adds `--html`, for the verbs that write a page.
void add_html_option(CLI::App& app, std::string& path);
/// Adds `--nth`, for the verbs that take a log with several kills; `words` is the option's help.
void add_nth_option(CLI::App& app, std::optional<int>& nth, const char* words);

}  // namespace oomcast::report
