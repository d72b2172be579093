// Rooms: what each of them is given.
#include "preload/record/rooms.h"

#include <unistd.h>

#include <utility>

#include "preload/record/kernel/page_scan.h"

namespace oomcast::record {
namespace {

/// Whether the run may begin in the polling phase.
bool may_poll(const RecordOptions& options, TrackerKind tracker, const trace::EventSink& sink) {
  return options.poll_while_far && tracker == TrackerKind::kUserfaultfd && !sink.placed_by_thread() &&
         kernel_has_pagemap_scan();
}

}  // namespace

Rooms::Rooms(const RecordOptions& all_options, TrackerKind best_tracker, trace::EventSink& sink,
             std::function<void(uint32_t pid, uint32_t tid)> served)
    : options(all_options),
      tracker(best_tracker),
      notes(tracker, ::geteuid()),
      sites(stacks, clocks, options.stack_sample_bytes),
      feed(sink, processes, sites, notes, count, clocks, options.kill_on_oom),
      planner(processes, clocks, kernel_counts_exactly()),
      meter(processes, feed, notes),
      shared_memory(processes, feed, meter, planner, clocks),
      copies(processes, feed, notes),
      mapped_files(feed, shared_memory, planner, notes, clocks),
      text(feed, count),
      mappings(feed, shared_memory, meter, notes, clocks),
      poller(feed, mappings, shared_memory, copies, mapped_files, meter, planner, notes, clocks),
      windows(feed, mappings, meter, count, clocks, options.max_window_pages),
      filler(feed, mappings, poller, windows, text, meter, notes, count, clocks, options.refuse_enomem),
      heap(mappings, poller, windows),
      settings(processes, feed, mappings),
      files(feed, sites, shared_memory, planner, notes, clocks, [this](Process& process) { reader.drain(process); }),
      reader(feed, sites, heap, mappings, mapped_files, shared_memory, files, settings, meter, count, clocks),
      faults(feed, reader, mappings, filler, meter, count, std::move(served)),
      phase(feed, poller, notes, clocks, may_poll(options, tracker, sink)),
      scanner(processes, feed, mappings, poller, windows, mapped_files, shared_memory, files, reader, meter, planner,
              count, clocks) {
  mappings.count_pages_with(poller);
  if (!phase.exact() || tracker != TrackerKind::kUserfaultfd) meter.start_sampling();
}

}  // namespace oomcast::record
