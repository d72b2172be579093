// Sets up this process: its standard streams and its log.
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "preload/record/recorder.h"
#include "report/commands/commands.h"

namespace oomcast::report {

void open_standard_streams() { record::open_standard_streams(); }

void start_log(const std::string& level) {
  auto log = spdlog::stderr_color_mt("oomcast");
  log->set_pattern("oomcast: %^%l%$: %v");
  log->set_level(spdlog::level::from_str(level));
  spdlog::set_default_logger(log);
}

}  // namespace oomcast::report
