// Says at the end of a capture how it saw the program, and what the forecast cannot know for it.
#include <spdlog/spdlog.h>

#include "preload/record/session.h"

namespace oomcast::record {

trace::CaptureSummary Session::finish() {
  for (auto& [pid, process] : processes_) drain_ring(*process);
  note_left_behind();
  while (!processes_.empty()) drop_process(processes_.begin()->first);
  log_counts();
  notes_.sites = stacks_.size();
  notes_.samples_left_out = stacks_.left_out();
  summary_.lost_events = notes_.lost_notes;
  summary_.host_sensitive = notes_.host_questions();
  summary_.tracker = notes_.best_witness();
  summary_.caveats = notes_.caveats();
  summary_.site_kinds = stacks_.kinds();
  summary_.stacks = stacks_.resolve();
  return std::move(summary_);
}

void Session::log_counts() const {
  spdlog::debug("served {} events in {} wake-ups: {} first writes ({} pages filled), {} first reads, {} protected writes in {} reads; {} questions, {} notes", summary_.events,
                count_.wake_ups, count_.write_faults, count_.filled_pages, count_.read_faults, count_.protected_faults, count_.fault_reads, count_.requests, count_.notes);
  spdlog::debug("{} pages of program text were found in use again", count_.code_references);
  spdlog::debug("{} clock readings, {} sweeps and {} glances in {} ms, {} walks closed, {} pages examined", count_.clock_reads, count_.sweeps, count_.glances,
                count_.sweep_ns / 1'000'000, count_.walks_closed, content_.pages_read());
}

}  // namespace oomcast::record
