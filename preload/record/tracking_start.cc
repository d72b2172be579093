// TrackingStart: gives a process that has said hello the best tracker that its userfaultfds allow.
#include "preload/record/tracking_start.h"

#include <errno.h>

#include <memory>
#include <utility>

#include "preload/record/kernel/kernel_text.h"
#include "preload/record/kernel/page_scan.h"
#include "preload/record/kernel/pages.h"
#include "preload/record/kernel/proc_file.h"

namespace oomcast::record {

void TrackingStart::start(Process& process, FaultDescriptors descriptors, const ring::Request& hello) {
  // A process forked from one that gave way opens no userfaultfd: that does not count as a refusal.
  const bool refused = hello.userfaultfd_errno != 0 || descriptors.all;
  if (!process.gives_way && descriptors.all && is_traced_by_guest(process)) {
    process.gives_way = true;
    notes_.note_gave_way(process.comm, ring::GiveWay::kTraced);
  }
  if (process.gives_way) descriptors = {};
  // The process was held from outside. Its own descriptors replace that one, as they tell the heap apart.
  if (process.fault_fd.valid()) filler_.poll_from_now_on(process);
  process.outside = {};
  process.exact = phase_.exact();
  take_channels(process, std::move(descriptors), (hello.flags & ring::kUserModeOnly) != 0);
  notes_.use_tracker(process.tracker);
  if (process.in_polling_phase()) notes_.use_tracker(TrackerKind::kPagemap);
  if (process.tracker != tracker_ && refused && !process.gives_way)
    notes_.note_refused_userfaultfd(process.comm, hello.userfaultfd_errno != 0 ? hello.userfaultfd_errno : EPERM);
  if (!process.fault_fd.valid()) process.memory->open();  // now, while it is certainly the memory of this program
  publish_ask_thresholds(process, options_.refuse_enomem);
  // Where nothing is registered the thread need not wait for a scan: most forked children exec, and many programs end,
  // before the first one.
  if (process.reports_frees()) register_all(process);
}

/// A tracer reads and writes the memory of the process without waiting for a fault. A tracer outside of the run is not
/// looked at.
bool TrackingStart::is_traced_by_guest(const Process& process) const {
  const auto tracer =
      static_cast<uint32_t>(number_behind(read_whole_path(proc_of(process.pid) + "status"), "TracerPid:"));
  return tracer != 0 && processes_.find(tracer) != nullptr;
}

Userfaultfd::Forks TrackingStart::forks() const {
  return options_.stash ? Userfaultfd::Forks::kReported : Userfaultfd::Forks::kSilent;
}

/// With a user-mode-only userfaultfd, read(fd, fresh_memory) would fail with EFAULT in the guest: it is never used to
/// hold faults.
TrackerKind TrackingStart::negotiate(Userfaultfd& all, bool user_mode_only) const {
  if (!all.valid()) return TrackerKind::kPagemap;
  if (tracker_ == TrackerKind::kUserfaultfd && !user_mode_only &&
      all.negotiate(Userfaultfd::Unmaps::kReported, forks()))
    return TrackerKind::kUserfaultfd;
  if (tracker_ != TrackerKind::kPagemap && kernel_has_pagemap_scan() && all.negotiate_async())
    return TrackerKind::kWpAsync;
  return TrackerKind::kPagemap;
}

bool TrackingStart::negotiate_heap(Userfaultfd& heap, TrackerKind tracker) const {
  if (!heap.valid()) return false;
  return tracker == TrackerKind::kUserfaultfd ? heap.negotiate(Userfaultfd::Unmaps::kSilent, forks())
                                              : heap.negotiate_async(Userfaultfd::Unmaps::kSilent);
}

OptionalChannel TrackingStart::watched(const Process& process, Userfaultfd channel) {
  loop_.watch(channel.fd(), SourceKind::kFaults, process.pid);
  return OptionalChannel(std::make_unique<Userfaultfd>(std::move(channel)));
}

void TrackingStart::take_channels(Process& process, FaultDescriptors descriptors, bool user_mode_only) {
  Userfaultfd all(std::move(descriptors.all)), heap(std::move(descriptors.heap));
  process.tracker = negotiate(all, user_mode_only);
  if (process.tracker == TrackerKind::kPagemap) return;
  process.stash.possible = all.reports_forks();
  process.fault_fd = watched(process, std::move(all));
  if (!negotiate_heap(heap, process.tracker)) return;
  process.stash.possible = process.stash.possible && heap.reports_forks();
  process.heap_fd = watched(process, std::move(heap));
}

/// Registers the memory that is there. A forked child's inherited pages are protected as they were in its parent, since
/// a fork copies no protection.
void TrackingStart::register_all(Process& process) {
  scanner_.scan(process, true);
  if (!process.tracked_by_faults()) return;
  meter_.stop_sampling();  // the kernel's counts include prefilled pages from now on
  const std::vector<uint64_t> to_arm = inherited_to_arm(process);
  // Inherited memory counts as touched.
  if (process.shared)
    process.pages.for_each(PageBit::kTouched, 0, ~uint64_t{0},
                           [&](uint64_t address) { process.shared->touched.set(address, address + kPage, true); });
  for (const uint64_t address : to_arm) process.fault_fd.protect(address, address + kPage, true, false);
  Stash::want_helper(process);
}

/// The prefilled pages and zero pages. No walk of the child goes on in prefilled ones: they are armed from now on.
std::vector<uint64_t> TrackingStart::inherited_to_arm(Process& process) {
  std::vector<uint64_t> prefilled, to_arm;
  for (const auto& [start, area] : process.map.areas()) {
    if (!area.registered) continue;
    process.pages.for_each(PageBit::kPrefilled, area.start, area.end,
                           [&](uint64_t address) { prefilled.push_back(address); });
    for (const PageBit bit : {PageBit::kPrefilledArmed, PageBit::kZero})
      process.pages.for_each(bit, area.start, area.end, [&](uint64_t address) { to_arm.push_back(address); });
  }
  for (const uint64_t address : prefilled) process.pages.become(PageBit::kPrefilledArmed, address);
  to_arm.insert(to_arm.end(), prefilled.begin(), prefilled.end());
  return to_arm;
}

}  // namespace oomcast::record
