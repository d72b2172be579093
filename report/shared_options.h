// Options that several verbs share, and what is checked of them.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "report/command_line.h"
#include "report/verb.h"

namespace oomcast::report {

/// The target: run, attach, replay, sweep, fit.
void add_host_options(CLI::App& app, RunOptions& options);
/// What is made of the forecast: run, attach, replay.
void add_report_options(CLI::App& app, RunOptions& options);
/// What is recorded beside the forecast: run, attach.
void add_trace_options(CLI::App& app, RunOptions& options);
std::optional<UsageProblem> trace_problem(const RunOptions& options);
void add_no_follow_option(CLI::App& app, RunOptions& options);
/// For the verbs that take long.
void add_progress_option(CLI::App& app, RunOptions& options);

/// The recordings that are forecast: replay, sweep, fit. `about` is the help of TRACE.
void add_recording_options(CLI::App& app, CommandLine& line, const std::string& about);
/// The recordings and their host: replay, sweep.
void add_replay_options(CLI::App& app, CommandLine& line);
/// Returns false if no recording was given. Otherwise the recorded host is the default of --host.
bool take_recording(const CLI::App& app, CommandLine& line);

/// Adds `--html`, for the verbs that write a page.
void add_html_option(CLI::App& app, std::string& path);
/// Adds `--nth`, for the verbs that take a log with several kills; `words` is the option's help.
void add_nth_option(CLI::App& app, std::optional<int>& nth, const char* words);

}  // namespace oomcast::report
