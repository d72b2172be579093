// ResidentMeter: how much memory all processes have, by the pages that were seen and by the kernel's counts.
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

  /// Whether RssSampler looks for peaks between two scans; only while all touches are polled.
  bool samples_peaks() const { return samples_peaks_; }
  void start_sampling() { samples_peaks_ = true; }
  void stop_sampling();
  RssSampler& sampler() { return sampler_; }
  PeakMeter& peak() { return peak_; }

  /// The known pages of the process have changed: adapts the totals and the tracked peak.
  void update(Process& process);
  /// Reads the kernel's counts of the process.
  void read_resident(Process& process);
  /// Reads the kernel's counts of the process, at a new peak of the total those of all processes, and keeps that peak.
  void sample_resident(Process& process);
  /// The process has ended: takes it out of the kernel's total and out of the samples.
  void forget(Process& process);
  /// Whether `bytes` exceeds the peak by more than 1/1024: less is not worth a scan.
  static bool rises_above(uint64_t bytes, uint64_t peak_bytes);

  /// The parent has forked `pid`. A child has its parent's memory, and in the polling phase it sends no hello at once,
  /// since most children exec.
  void note_pending_child(Process& parent, uint32_t pid);
  /// Adds the memory of the pending children to the peaks. To the target it counts as their parent's.
  void count_pending_children(Process& parent);
  /// The child has ended, or is known as a process from now on.
  void forget_pending_child(Process& parent, uint32_t pid);

  /// Reports pages that were resident between two scans and are gone: as unattributed memory that is touched and freed,
  /// so that the target was as full.
  void report_peak(Process& process, const PeakMeter::Unattributed& missed);
  /// Reports the peak that the kernel remembers (VmHWM), if the process has nearly all pages of the run.
  void report_remembered_peak(Process& process);
  /// Raises the tracked and the kernel's peak to the highest sampled sum.
  void note_sampled_sum(const RssSampler::Peak& peak);

  uint64_t tracked_pages() const { return tracked_pages_; }
  uint64_t rss_total_bytes() const { return rss_total_bytes_; }
  /// The highest of the latest totals: the kernel's counts, known and prefilled pages, samples.
  uint64_t latest_bytes() const;
  uint64_t tracked_peak_bytes() const { return tracked_peak_bytes_; }
  /// Prefilled bytes at the peak of private pages.
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
  PeakMeter peak_;  // of private pages, pages shared since a fork counted once
  uint64_t tracked_pages_ = 0, prefilled_pages_ = 0, rss_total_bytes_ = 0, pending_child_pages_ = 0;
  uint64_t tracked_peak_bytes_ = 0, prefilled_bytes_ = 0, rss_peak_bytes_ = 0;
};

}  // namespace oomcast::record
