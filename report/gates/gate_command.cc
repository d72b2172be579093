// The verbs `check` and `diff`: read files, judge, print one text.
#include "report/gates/gate_command.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <set>

#include "report/command_line.h"
#include "report/console.h"
#include "report/gates/diff.h"
#include "report/gates/gate_text.h"
#include "report/page/page.h"
#include "report/page/page_command.h"
#include "report/shared_options.h"
#include "report/text_output.h"

namespace oomcast::report {
namespace {

constexpr const char* kCheckExamples = R"(Examples:
  oomcast check r.json --budget budget.yaml
  oomcast check run1.json run2.json run3.json --budget budget.yaml      the median of three runs is judged
  oomcast check run*.json --write-baseline budget.yaml                  make a budget from runs that were fine
  oomcast check r.json --budget budget.yaml --as junit --output oomcast.xml

A budget file:
  schema: oomcast.budget.v1
  budgets:
    - key: app.footprint_peak_bytes     any number of the report, by its dotted key
      at_most: 400M
    - key: margin_to_low_percent        free memory's least distance to the low watermark; also margin_to_low_bytes
      at_least: 10
      level: warn                       off, warn or error (the default)
    - key: verdict
      at_most: background_reclaim
    - key: stall_ns_total               all waits: direct reclaim, swap-in, throttling
      at_most: 5ms
    - site: parse_config                resident bytes of all sites that name it
      at_most: 50M

Exit status: 0 all budgets kept (warnings allowed), 1 a budget of level error broken, 2 bad input.)";

constexpr const char* kDiffExamples = R"(Examples:
  oomcast diff main.json branch.json
  oomcast diff main.json branch.json --threshold 2 --as markdown >> "$GITHUB_STEP_SUMMARY"

Exit status: 0 the new report is not worse, 1 worse by more than the threshold, 2 bad input.)";

void add_output_options(CLI::App& app, GateOptions& options, const std::set<std::string>& forms,
                        const std::string& names) {
  app.add_option("--as", options.as, "Form of the result: " + names + " (default text)")
      ->type_name("FORM")
      ->check(CLI::IsMember(forms));
  app.add_option("--output,-o", options.output, "Write the result there instead of to stdout")->type_name("FILE");
}

void add_check_options(CLI::App& app, CommandLine& line) {
  GateOptions& options = line.gate;
  app.footer(kCheckExamples);
  app.add_option("REPORT", options.reports,
                 "Reports that 'oomcast run' has written; several are judged on their median")
      ->required();
  CLI::Option* budget = app.add_option("--budget", options.budget, "The limits, a YAML file")->type_name("FILE");
  CLI::Option* baseline = app.add_option("--write-baseline", options.write_baseline,
                                         "Write a budget that these reports keep, with slack taken from their spread")
                              ->type_name("FILE");
  budget->excludes(baseline);
  add_output_options(app, options, {"text", "junit", "github", "markdown", "json"},
                     "text, junit, github, markdown or json");
}

void add_diff_options(CLI::App& app, CommandLine& line) {
  GateOptions& options = line.gate;
  app.footer(kDiffExamples);
  app.add_option("REPORTS", options.reports, "OLD and NEW")->required()->expected(2);
  app.add_option("--threshold", options.threshold_percent, "A number that grew by less is not worse (default 5)")
      ->type_name("PERCENT")
      ->check(CLI::Range(0.0, 1000.0));
  add_output_options(app, options, {"text", "markdown", "json"}, "text, markdown or json");
  add_html_option(app, options.html);
}

std::optional<UsageProblem> check_check_usage(const CLI::App&, CommandLine& line) {
  if (line.gate.budget.empty() && line.gate.write_baseline.empty())
    return UsageProblem{"give --budget FILE, or --write-baseline FILE to make one"};
  return std::nullopt;
}

/// GitHub shows ten annotations per step. The step summary has room for all budgets.
void append_step_summary(const std::string& markdown) {
  const char* path = std::getenv("GITHUB_STEP_SUMMARY");
  if (!path || !*path) return;
  std::FILE* file = std::fopen(path, "a");
  const bool written = file != nullptr && std::fwrite(markdown.data(), 1, markdown.size(), file) == markdown.size();
  const bool closed = file != nullptr && std::fclose(file) == 0;
  // The result of the gate is on stdout: it stands.
  if (!written || !closed) std::fprintf(stderr, "oomcast: check: the step summary %s cannot be written\n", path);
}

std::string gate_text(const std::vector<BudgetResult>& results, const GateOptions& options) {
  if (options.as == "junit") return gate_junit(results, "oomcast " + options.budget);
  if (options.as == "github") return gate_github(results);
  if (options.as == "markdown") return gate_markdown(results);
  if (options.as == "json") return gate_json(results);
  return gate_lines(results, options.output.empty() && takes_color(STDOUT_FILENO));
}

Result<std::vector<FinishedReport>> read_reports(const std::vector<std::string>& paths) {
  std::vector<FinishedReport> reports;
  for (const std::string& path : paths) {
    auto report = read_finished_report(path);
    if (!report) return report.error();
    reports.push_back(std::move(report).value());
  }
  return reports;
}

int write_baseline(const std::vector<FinishedReport>& reports, const std::string& path) {
  const std::string comment = "Made from " + std::to_string(reports.size()) +
                              " report(s): three times their spread, and at least 5 %, is allowed on top.";
  int status = write_text(budget_text(baseline(reports), comment), path, 0);
  if (status == 0)
    std::fprintf(stderr, "oomcast: wrote %s; try: oomcast check REPORT --budget %s\n", path.c_str(), path.c_str());
  return status;
}

/// 0 also if no page is asked for.
int write_diff_page(const Diff& diff, const std::vector<FinishedReport>& reports, const std::string& path) {
  if (path.empty()) return 0;
  auto place = PageFile::prepare(path, "");
  if (!place) return fail(kExitUsage, "diff: " + place.error().message);
  auto page = diff_page_of(nlohmann::ordered_json::parse(diff_json(diff)), reports[0].document, reports[1].document);
  if (!page) return fail(kExitUsage, "diff: " + page.error().message);
  if (auto written = place->write_text(page.value(), static_cast<int>(::getpid())); !written)
    return fail(kExitUsage, "diff: " + written.error().message);
  std::fprintf(stderr, "oomcast: wrote %s\n", path.c_str());
  return 0;
}

/// 0: every budget is kept (warnings allowed); 1: one is broken; 2: bad input, and nothing is written.
int check(const CommandLine& line) {
  const GateOptions& options = line.gate;
  auto reports = read_reports(options.reports);
  if (!reports) return fail(kExitUsage, "check: " + reports.error().message);
  if (!options.write_baseline.empty()) return write_baseline(reports.value(), options.write_baseline);
  auto budgets = read_budget(options.budget);
  if (!budgets) return fail(kExitUsage, "check: " + budgets.error().message);
  auto results = judge(reports.value(), budgets.value());
  if (!results) return fail(kExitUsage, "check: " + options.budget + ", " + results.error().message);
  if (options.as == "github") append_step_summary(gate_markdown(results.value()));
  return write_text(gate_text(results.value(), options), options.output, gate_status(results.value()));
}

/// 0: the new report is not worse; 1: it is worse by more than the threshold; 2: bad input.
int diff(const CommandLine& line) {
  const GateOptions& options = line.gate;
  auto reports = read_reports(options.reports);
  if (!reports) return fail(kExitUsage, "diff: " + reports.error().message);
  const Diff found = compare(reports.value()[0], reports.value()[1], options.threshold_percent);
  if (int status = write_diff_page(found, reports.value(), options.html); status != 0) return status;
  std::string text = options.as == "markdown" ? diff_markdown(found)
                     : options.as == "json"   ? diff_json(found)
                                              : diff_lines(found, options.output.empty() && takes_color(STDOUT_FILENO));
  return write_text(text, options.output, found.worse ? 1 : 0);
}

}  // namespace

constinit const Verb kCheckVerb = {
    .name = "check",
    .about = "Judge reports by a budget (for CI)",
    .add_options = add_check_options,
    .check = check_check_usage,
    .command = check,
};

constinit const Verb kDiffVerb = {
    .name = "diff",
    .about = "Compare two reports: what got worse, which code grew",
    .add_options = add_diff_options,
    .command = diff,
};

}  // namespace oomcast::report
