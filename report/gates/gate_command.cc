// The verbs `check` and `diff`: read files, judge, print one text.
#include "report/gates/gate_command.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "report/command_line.h"
#include "report/console.h"
#include "report/gates/diff.h"
#include "report/gates/gate_text.h"
#include "report/page/page.h"
#include "report/page/page_command.h"
#include "report/text_output.h"

namespace oomcast::report {
namespace {

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

}  // namespace

int check_command(const GateOptions& options) {
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

int diff_command(const GateOptions& options) {
  auto reports = read_reports(options.reports);
  if (!reports) return fail(kExitUsage, "diff: " + reports.error().message);
  Diff diff = compare(reports.value()[0], reports.value()[1], options.threshold_percent);
  if (int status = write_diff_page(diff, reports.value(), options.html); status != 0) return status;
  std::string text = options.as == "markdown" ? diff_markdown(diff)
                     : options.as == "json"   ? diff_json(diff)
                                              : diff_lines(diff, options.output.empty() && takes_color(STDOUT_FILENO));
  return write_text(text, options.output, diff.worse ? 1 : 0);
}

}  // namespace oomcast::report
