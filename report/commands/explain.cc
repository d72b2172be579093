// The verb `explain`: a kill of a kernel log in plain words. The words are in oomlog/.
#include "report/oomlog/explain.h"

#include "report/commands/commands.h"
#include "report/console.h"
#include "report/oomlog/parse_oom_report.h"
#include "report/whole_file.h"

namespace oomcast::report {
namespace {

constexpr int64_t kLogBytesMost = int64_t{1} << 30;

}  // namespace

int explain_command(const ExplainOptions& options) {
  const bool from_stdin = options.log == "-";
  const std::string name = from_stdin ? "stdin" : options.log;
  const auto log = read_whole_file(from_stdin ? "/dev/stdin" : options.log, kLogBytesMost);
  if (!log)
    return fail(kExitUsage, "explain: " + name + ": " + log.error().message +
                                "; name a kernel log, or pipe one: journalctl -k | oomcast explain -");
  const auto report = oomlog::parse_oom_report(log.value(), name, options.nth);
  if (!report) return fail(kExitUsage, "explain: " + report.error().message);
  const oomlog::Explanation explanation = oomlog::explain(report.value());
  return print(options.json ? oomlog::explanation_json(report.value(), explanation)
                            : oomlog::explanation_text(explanation));
}

}  // namespace oomcast::report
