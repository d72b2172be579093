// Options of the verbs that read a report or a log: check, diff, page, explain. See report_options.h.
#include "report/report_options.h"

#include <set>

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

constexpr const char* kPageExamples = R"(Examples:
  oomcast page oomcast.report.json                 writes oomcast.report.html
  oomcast sweep t.trace --vary memory=1G..16G --json > s.json, then: oomcast page s.json
  oomcast page r.json --output - | gzip > r.html.gz

Exit status: 0, or 2 for bad input (nothing is written then).)";

constexpr const char* kExplainExamples = R"(Examples:
  oomcast explain /var/log/kern.log                the last kill in the file
  journalctl -k -b -1 | oomcast explain -          of the boot before; dmesg and syslog will do, too
  oomcast explain kern.log --nth 1 --json          the first kill, with its figures
  oomcast explain kern.log.2.gz --prove 60         with more time for the simulation; 0: none
  oomcast run --host kern.log -- ./server          would it fit the host of that kill, its victim gone?

Exit status: 0 a kill was found, 2 bad input.)";

void add_output_options(CLI::App& app, GateOptions& options, const std::set<std::string>& forms,
                        const std::string& names) {
  app.add_option("--as", options.as, "Form of the result: " + names + " (default text)")
      ->type_name("FORM")
      ->check(CLI::IsMember(forms));
  app.add_option("--output,-o", options.output, "Write the result there instead of to stdout")->type_name("FILE");
}

}  // namespace

void add_html_option(CLI::App& app, std::string& path) {
  app.add_option("--html", path, "Also write a page with charts: one file that opens in a browser, without a network")
      ->type_name("FILE");
}

void add_nth_option(CLI::App& app, std::optional<int>& nth, const char* words) {
  app.add_option("--nth", nth, words)->type_name("N")->check(CLI::Range(1, 1'000'000));
}

void add_check_options(CLI::App& app, GateOptions& options) {
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

void add_diff_options(CLI::App& app, GateOptions& options) {
  app.footer(kDiffExamples);
  app.add_option("REPORTS", options.reports, "OLD and NEW")->required()->expected(2);
  app.add_option("--threshold", options.threshold_percent, "A number that grew by less is not worse (default 5)")
      ->type_name("PERCENT")
      ->check(CLI::Range(0.0, 1000.0));
  add_output_options(app, options, {"text", "markdown", "json"}, "text, markdown or json");
  add_html_option(app, options.html);
}

void add_explain_options(CLI::App& app, ExplainOptions& options) {
  app.footer(kExplainExamples);
  app.add_option(
         "LOG", options.log,
         "A kernel log: of dmesg, journalctl -k, kern.log or messages, compressed or in a sosreport; - is stdin")
      ->required();
  add_nth_option(app, options.nth, "Which OOM kill of the log, from 1 (default: the last)");
  app.add_flag("--json", options.json, "The figures and the sentences as JSON (oomcast.explain.v1)");
  app.add_option("--prove", options.prove_s,
                 "Check by simulation for at most so long whether the model kills too, and what would have helped; 0: "
                 "not at all (default: 10)")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.0, 1e6));
}

void add_page_options(CLI::App& app, PageOptions& options) {
  app.footer(kPageExamples);
  app.add_option("REPORT", options.report, "A report of run or replay, or the JSON of a sweep")->required();
  app.add_option("--output,-o", options.output,
                 "Where the page goes; - is stdout (default: beside the report, .html in place of .json)")
      ->type_name("FILE");
}

}  // namespace oomcast::report
