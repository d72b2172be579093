// The verb `export`: its options, and the writer of each form.
#include "report/export/export_command.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <set>

#include "report/command_line.h"
#include "report/console.h"
#include "report/export/exports.h"
#include "report/text_output.h"

namespace oomcast::report {
namespace {

constexpr const char* kExamples = R"(Forms:
  folded       stacks and resident bytes, a line each: flamegraph.pl, speedscope, inferno
  speedscope   https://speedscope.app
  pprof        profile.proto, gzipped: go tool pprof -http : r.pb.gz
  perfetto     Chrome trace JSON of the timeline: https://ui.perfetto.dev
  openmetrics  text for Prometheus, its textfile collector or a push gateway
  csv          the timeline, a row per moment

Examples:
  oomcast export r.json --as folded | flamegraph.pl --countname bytes > r.svg
  oomcast export r.json --as pprof -o r.pb.gz && go tool pprof -top r.pb.gz
  oomcast export r.json --as perfetto -o r.trace.json
  oomcast export r.json --as csv | column -s, -t | less -S

Exit status: 0 written, 2 bad input.)";

std::string exported(const ReportView& view, const FinishedReport& report, const ExportOptions& options) {
  if (options.as == "speedscope") return speedscope_json(view);
  if (options.as == "pprof") return pprof_profile(view);
  if (options.as == "perfetto") return chrome_trace_json(view);
  if (options.as == "openmetrics") return openmetrics_text(view, report);
  if (options.as == "csv") return timeline_csv(view);
  return folded_stacks(view, options.value == "touched" ? SiteBytes::kTouched : SiteBytes::kResident);
}

void add_options(CLI::App& app, CommandLine& line) {
  ExportOptions& options = line.export_to;
  app.footer(kExamples);
  app.add_option("REPORT", options.report, "A report that 'oomcast run' or 'oomcast replay' has written")->required();
  app.add_option("--as", options.as, "folded, speedscope, pprof, perfetto, openmetrics or csv")
      ->type_name("FORM")
      ->required()
      ->check(CLI::IsMember(std::set<std::string>{"folded", "speedscope", "pprof", "perfetto", "openmetrics", "csv"}));
  app.add_option("--output,-o", options.output, "Write there instead of to stdout")->type_name("FILE");
  app.add_option("--value", options.value, "Of folded: bytes resident at the site's peak (the default), or all touched")
      ->type_name("resident|touched")
      ->check(CLI::IsMember(std::set<std::string>{"resident", "touched"}));
}

/// Returns 0 if all was written, 2 after an error line; a bad report writes nothing.
int export_report(const CommandLine& line) {
  const ExportOptions& options = line.export_to;
  auto report = read_finished_report(options.report);
  if (!report) return fail(kExitUsage, "export: " + report.error().message);
  auto view = view_of(report.value());
  if (!view) return fail(kExitUsage, "export: " + view.error().message);
  if (options.as == "pprof" && options.output.empty() && ::isatty(STDOUT_FILENO))
    return fail(kExitUsage, "export: pprof is not for a terminal; try -o FILE.pb.gz");
  const std::string text = exported(view.value(), report.value(), options);
  const bool of_sites = options.as == "folded" || options.as == "speedscope" || options.as == "pprof";
  if (of_sites && view->sites.empty())
    std::fprintf(stderr, "oomcast: %s holds no sites; the export is empty\n", options.report.c_str());
  return write_text(text, options.output, 0);
}

}  // namespace

constinit const Verb kExportVerb = {
    .name = "export",
    .about = "Write a report for another tool: flame graph, pprof, Perfetto, ...",
    .add_options = add_options,
    .command = export_report,
};

}  // namespace oomcast::report
