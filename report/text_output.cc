// Writes a result to stdout, or whole to a file. See text_output.h.
#include "report/text_output.h"

#include <unistd.h>

#include "report/command_line.h"
#include "report/console.h"
#include "report/report_file.h"

namespace oomcast::report {

int write_text(const std::string& text, const std::string& path, int status, const char* option) {
  if (path.empty()) {
    int failed = print(text);
    return failed != 0 ? failed : status;
  }
  auto file = ReportFile::prepare(path, option);
  if (!file) return fail(kExitUsage, file.error().message);
  if (auto written = file->write(text, static_cast<int>(::getpid())); !written)
    return fail(kExitUsage, written.error().message);
  return status;
}

}  // namespace oomcast::report
