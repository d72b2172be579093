// The options of `oomcast run`. See run_options.h.
#include "report/commands/run_options.h"

#include "report/shared_options.h"
#include "report/target_options.h"

namespace oomcast::report {

void add_run_options(CLI::App& app, RunOptions& options) {
  add_host_options(app, options);
  add_report_options(app, options);
  add_progress_option(app, options);
  app.add_option("--guard", options.recorder.guard_percent,
                 "Stop the program when this machine's MemAvailable or its cgroup's falls below this share (default 5)")
      ->type_name("PERCENT")
      ->check(CLI::Range(0, 99));
  app.add_option(
         "--tracker", options.recorder.tracker,
         "How touches are seen: userfaultfd, wp-async or pagemap (default: the best that `oomcast doctor` finds, and "
         "only by polling until the target is near a watermark)")
      ->type_name("NAME")
      ->check(CLI::IsMember({"userfaultfd", "wp-async", "pagemap"}));
  app.add_flag(
      "--see-reads", options.recorder.stash,
      "Under modelled memory pressure, see uses that only read, too: pages that the target swaps out are taken "
      "out of the program's page table and given back on use. Slower. If this command and the task that "
      "holds the pages are killed both at once, the program loses them");
  add_no_follow_option(app, options);
  app.add_flag(
      "--wait", options.recorder.wait_for_all,
      "Go on after the program's first process has ended, until its last descendant has (daemons); a signal to "
      "oomcast goes to all of them, a second one ends the recording");
  app.add_option("--allocator", "The program allocates with mimalloc instead of its own allocator: what if?")
      ->type_name("mimalloc")
      ->check(CLI::IsMember({"mimalloc"}))
      ->each([&options](const std::string&) { options.recorder.use_mimalloc = true; });
  app.add_flag("--present-host", options.present_host,
               "Show the program the target's memory, CPUs and cgroup limits when it asks for its machine's");
  app.add_flag_callback(
      "--no-present-cgroup", [&options] { options.present_cgroup = false; },
      "With --cgroup: do not show its limits to the program when it asks for those of its cgroup");
  app.add_option("--stack-sample", options.recorder.stack_sample_bytes,
                 "Take one stack per this many allocated bytes; 0: none (default 64 KiB)")
      ->type_name("BYTES")
      ->transform(CLI::AsSizeValue(false));
  add_trace_options(app, options);
}

Result<RunOptions> parse_options_text(const std::string& text) {
  RunOptions options;
  CLI::App app("", "OOMCAST_OPTIONS");
  app.set_help_flag();
  add_run_options(app, options);
  try {
    app.parse(text);
    options.target_words = target_words(app);
  } catch (const CLI::ParseError& error) {
    return Error{"OOMCAST_OPTIONS: " + first_line(error.what()) + "; it takes the options of 'oomcast run'"};
  }
  return options;
}

}  // namespace oomcast::report
