// Options that have no effect without the capture library. See without_hooks.h.
#include "report/commands/without_hooks.h"

#include "report/words/format.h"

namespace oomcast::report {

std::vector<std::string> options_that_need_hooks(const RunOptions& options) {
  std::vector<std::string> given;
  if (options.present_host) given.emplace_back("--present-host");
  if (!options.present_host && options.present_cgroup && !options.cgroup.empty())
    given.emplace_back("showing the limits of --cgroup");
  if (options.recorder.use_mimalloc) given.emplace_back("--allocator mimalloc");
  if (options.model.refuse_enomem) given.emplace_back("--on-refuse enomem");
  if (options.recorder.tracker == "wp-async") given.emplace_back("--tracker wp-async");
  return given;
}

std::string left_out_without_hooks(const RunOptions& options, record::LibraryUse library) {
  const std::vector<std::string> given = options_that_need_hooks(options);
  if (given.empty() || library == record::LibraryUse::kLoads) return {};
  const std::string names = list_text(given, given.size());
  if (library == record::LibraryUse::kBreaks)
    return "Left out, because the program would not start with the capture library: " + names + ".";
  return "Left out, because the program is statically linked and does not load the capture library: " + names +
         ". Programs that it starts and that load the library are treated as asked.";
}

}  // namespace oomcast::report
