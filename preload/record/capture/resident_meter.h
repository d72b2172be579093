// ResidentMeter: how much memory all processes have: by the pages that were seen, and by the counts of the kernel.
#pragma once

#include <cstdint>

#include "preload/record/capture/capture_notes.h"
#include "preload/record/capture/event_feed.h"
#include "preload/record/capture/peak_meter.h"
#include "preload/record/capture/rss_sampler.h"
#include "preload/record/guest/process_table.h"

namespace oomcast::record {

class ResidentMeter {
 public:
  ResidentMeter(ProcessTable& processes, EventFeed& feed, CaptureNotes& notes)
      : processes_(processes), feed_(feed), notes_(notes) {}

  /// Where touches are only polled, peaks between two scans are sampled beside that.
  bool samples_peaks() const { return samples_peaks_; }
  void start_sampling() { samples_peaks_ = true; }
  void stop_sampling();
  RssSampler& sampler() { return sampler_; }
  PeakMeter& peak() { return peak_; }

  void update(Process& process);
  void read_resident(Process& process);
  void sample_resident(Process& process);
  /// The process has ended: nothing of it counts any more.
  void forget(Process& process);
  static bool rises_above(uint64_t bytes, uint64_t peak_bytes);

  void note_pending_child(Process& parent, uint32_t pid);
  void count_pending_children(Process& parent);
  void forget_pending_child(Process& parent, uint32_t pid);

  void report_peak(Process& process, const PeakMeter::Unattributed& missed);
  void report_remembered_peak(Process& process);
  void note_sampled_sum(const RssSampler::Peak& peak);

  uint64_t tracked_pages() const { return tracked_pages_; }
  uint64_t rss_total_bytes() const { return rss_total_bytes_; }
  /// What all have by the latest word of any source: scans, faults, what was filled ahead, samples.
  uint64_t latest_bytes() const;
  uint64_t tracked_peak_bytes() const { return tracked_peak_bytes_; }
  /// At the peak of private pages: prefilled, and not used by the program yet.
  uint64_t prefilled_bytes() const { return prefilled_bytes_; }
  uint64_t rss_peak_bytes() const { return rss_peak_bytes_; }

 private:
  void recount(Process& process);
  uint64_t shared_memory_bytes(Process& process);
  uint64_t sampled_shared_pages() const;
  void report_unattributed(Process& process, uint64_t first_page, uint64_t pages, uint8_t flags);
  uint64_t most_own_pages(const Process& process);

  ProcessTable& processes_;
  EventFeed& feed_;
  CaptureNotes& notes_;
  bool samples_peaks_ = false;
  RssSampler sampler_;
  PeakMeter peak_;  // of private pages, what a fork shares counted once
  uint64_t tracked_pages_ = 0, prefilled_pages_ = 0, rss_total_bytes_ = 0, pending_child_pages_ = 0;
  uint64_t tracked_peak_bytes_ = 0, prefilled_bytes_ = 0, rss_peak_bytes_ = 0;
};

}  // namespace oomcast::record
