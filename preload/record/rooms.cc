// Rooms: hands each class the objects that it uses, and does what concerns all of them.
#include "preload/record/rooms.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <utility>
#include <vector>

#include "preload/record/kernel/page_scan.h"

namespace oomcast::record {
namespace {

/// Whether the run may begin in the polling phase.
bool may_poll(const RecordOptions& options, TrackerKind tracker, const trace::EventSink& sink) {
  return options.begin_in_polling_phase && tracker == TrackerKind::kUserfaultfd && !sink.placed_by_thread() &&
         kernel_has_pagemap_scan();
}

}  // namespace

Rooms::Rooms(const RecordOptions& all_options, TrackerKind best_tracker, trace::EventSink& sink,
             const Clocks& the_clocks, std::function<void(uint32_t pid, uint32_t tid)> served)
    : options(all_options),
      tracker(best_tracker),
      clocks(the_clocks),
      notes(tracker, ::geteuid()),
      sites(stacks, clocks, options.stack_sample_bytes),
      stash(notes, count),
      feed(sink, processes, sites, notes, count, clocks, stash, options.kill_on_oom),
      planner(processes, clocks, kernel_counts_exactly()),
      meter(processes, feed, notes),
      shared_memory(processes, feed, meter, planner, clocks),
      deleted(processes, feed, shared_memory, clocks),
      copies(processes, feed, notes),
      mapped_files(feed, shared_memory, deleted, planner, notes, clocks),
      text(feed, count),
      mappings(feed, stash, shared_memory, meter, notes, clocks),
      poller(feed, mappings, shared_memory, copies, mapped_files, meter, planner, notes, clocks),
      windows(feed, mappings, meter, count, clocks, options.max_window_pages),
      late(poller, windows),
      filler(feed, stash, mappings, poller, windows, text, meter, notes, count, clocks, options.refuse_enomem),
      heap(mappings, poller, windows),
      settings(processes, feed, mappings),
      files(feed, sites, shared_memory, deleted, planner, notes, clocks,
            [this](Process& process) { reader.drain(process); }),
      reader(feed, sites, heap, mappings, mapped_files, shared_memory, deleted, files, settings, meter, count, clocks),
      faults(feed, stash, reader, mappings, filler, meter, count, std::move(served)),
      phase(feed, poller, notes, clocks, may_poll(options, tracker, sink)),
      scanner(processes, feed, mappings, poller, windows, mapped_files, shared_memory, files, reader, meter, planner,
              count, clocks),
      memory_questions(mappings, heap, poller, mapped_files, meter, scanner) {
  mappings.count_pages_with(late);
  notes.wanted_stash = options.stash;
  if (!phase.exact() || tracker != TrackerKind::kUserfaultfd) meter.start_sampling();
}

/// From now on a touch is a fault. Present pages are counted.
void Rooms::hold_touches_of(Process& process) {
  meter.stop_sampling();  // it is needed only while all processes are polled
  process.exact = true;
  publish_ask_thresholds(process, options.refuse_enomem);
  Stash::want_helper(process);
  scanner.scan(process, true);
  if (!process.shared) return;  // LateCounter has armed zero pages in the scan
  // Zero pages are write-protected, so that their first write is a fault. Pages written meanwhile are counted.
  std::vector<PageRange> registered;
  for (const auto& [start, area] : process.map.areas())
    if (area.registered) registered.emplace_back(area.start, area.end);
  late.arm(process, registered);
}

void Rooms::hold_all_touches() {
  for (const auto& [pid, process] : processes)
    if (process->in_polling_phase()) hold_touches_of(*process);
}

void Rooms::summarize(trace::CaptureSummary* out) {
  notes.sites = stacks.size();
  notes.samples_left_out = stacks.left_out();
  out->events = feed.events();
  out->tracked_peak_bytes = meter.tracked_peak_bytes();
  out->prefilled_bytes = meter.prefilled_bytes();
  out->rss_peak_bytes = meter.rss_peak_bytes();
  out->resolution_pages = filler.resolution_pages();
  out->resolution_ns = poller.resolution_ns();
  out->lost_events = notes.lost_notes;
  if (notes.lost_notes != 0) spdlog::warn("{} notes of the program met a full ring and are lost", notes.lost_notes);
  out->host_sensitive = notes.host_questions();
  out->tracker = notes.best_tracker();
  out->caveats = notes.caveats();
  out->site_kinds = stacks.kinds();
  out->stacks = stacks.resolve();
}

void Rooms::log_counts() const {
  spdlog::debug(
      "served {} events in {} wake-ups: {} first writes ({} pages filled), {} first reads, {} protected writes in {} "
      "reads; {} questions, {} notes",
      feed.events(), count.wake_ups, count.write_faults, count.filled_pages, count.read_faults, count.protected_faults,
      count.fault_reads, count.requests, count.notes);
  spdlog::debug("{} pages were put into the stash, {} were used there", count.pages_stashed, count.stashed_faults);
  spdlog::debug("{} pages of program text were found in use again", count.code_references);
  spdlog::debug("{} clock readings, {} scans with and {} without mappings in {} ms, {} walks closed, {} pages examined",
                count.clock_reads, count.scans_of_mappings, count.scans_of_counts, count.scan_ns / 1'000'000,
                count.walks_closed, windows.pages_examined());
}

}  // namespace oomcast::record
