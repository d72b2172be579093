// Says at the end of a capture how it saw the program, and what the forecast cannot know for it.
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstring>

#include "preload/record/session.h"

namespace oomcast::record {
namespace {

constexpr size_t kNamed = 8;
constexpr uint64_t kWorthSaying = 8 << 20;  // four huge pages

std::string listed(const std::vector<std::string>& comms) {
  std::string names;
  for (size_t i = 0; i < comms.size() && i < kNamed; ++i) names += (i ? ", " : "") + comms[i];
  return names;
}

// By ring::Sensitive.
constexpr const char* kSensitive[] = {"sysconf(_SC_PHYS_PAGES)", "sysconf(_SC_AVPHYS_PAGES)", "sysconf(_SC_NPROCESSORS_ONLN)", "sysconf(_SC_NPROCESSORS_CONF)", "sysinfo()", "get_nprocs()", "sched_getaffinity()", "/proc/meminfo", "/sys/devices/system/cpu", "memory limits in /sys/fs/cgroup"};

}  // namespace

trace::CaptureSummary Session::finish() {
  for (auto& [pid, process] : processes_) drain_ring(*process);
  note_left_behind();
  while (!processes_.empty()) drop_process(processes_.begin()->first);
  summary_.lost_events = ring_lost_;
  log_counts();
  for (uint32_t bit = 0; bit < static_cast<uint32_t>(ring::Sensitive::kCount); ++bit)
    if (sensitive_ >> bit & 1) summary_.host_sensitive.emplace_back(kSensitive[bit]);
  summary_.tracker = best_witness();
  say_how_touches_were_seen();
  say_what_else_was_missed();
  say_what_was_let_go();
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

/// The tracker that saw most: a program may forbid itself the best one after its start, or start others that cannot have it.
const char* Session::best_witness() const {
  const char* witness = "none";
  uint64_t most = 0;
  for (const TrackerKind kind : {TrackerKind::kPagemap, TrackerKind::kWpAsync, TrackerKind::kUserfaultfd}) {
    const auto index = static_cast<size_t>(kind);
    if (!trackers_used_[index] || seen_pages_[index] < most) continue;
    most = seen_pages_[index];
    witness = tracker_name(kind);
  }
  return witness;
}

void Session::say_how_touches_were_seen() {
  if (const std::string limits = tracker_limits(tracker_); !limits.empty()) {
    summary_.caveats.push_back(limits);
  } else if (!fallen_back_.empty()) {
    summary_.caveats.push_back("The kernel refused a userfaultfd (" + std::string(std::strerror(first_userfaultfd_errno_)) + ") to " + listed(fallen_back_) + ", so touches were polled from /proc/PID/pagemap and have the time of the poll, not their own; `sysctl vm.unprivileged_userfaultfd=1`, `setfacl -m u:" + std::to_string(::geteuid()) + ":rw /dev/userfaultfd` or running as root would allow tracking.");
  } else if (!trackers_used_[static_cast<size_t>(TrackerKind::kUserfaultfd)]) {
    summary_.caveats.emplace_back("The program did not load the capture library (static, AddressSanitizer, another C library, or an environment without LD_PRELOAD), so its pages were polled from /proc/PID/pagemap: touches have the time of the poll, not their own.");
  }
  if (const std::string limits = limits_of_far(); !limits.empty()) summary_.caveats.push_back(limits);
  if (const std::string names = who_gave_way(); !names.empty()) summary_.caveats.push_back(names);
  if (trackers_used_[static_cast<size_t>(TrackerKind::kUserfaultfd)] && !polled_comms_.empty()) {
    summary_.caveats.push_back("These processes did not load the capture library and were polled from /proc/PID/pagemap: " + listed(polled_comms_) + ".");
  }
}

void Session::say_what_else_was_missed() {
  if (turned_away_ > 0) summary_.caveats.push_back(std::to_string(turned_away_) + " processes could not be tracked because the recorder had no descriptors left (RLIMIT_NOFILE); raise the hard limit: ulimit -Hn.");
  if (silent_count_ > 0)
    summary_.caveats.push_back(std::to_string(silent_count_) + (silent_count_ == 1 ? " child" : " children") +
                               " of the program had no descriptors left to meet the recorder with (RLIMIT_NOFILE): such memory was polled from /proc/PID/pagemap, and what a child touched in its last 50 ms may be missed.");
  if (watched_anything_) summary_.caveats.emplace_back("Later uses of a page were seen by write protection: uses that only read a page are not seen, so pages that are read often look colder than they are.");
  if (copies_seen_ > 0)
    summary_.caveats.push_back("The program forked: " + std::to_string(copies_seen_) + " pages that it shared with a child were copied when one of them wrote; the copies have the time of the poll, 0.2 s later at most.");
  if (grown_bytes_ >= kWorthSaying)
    summary_.caveats.push_back(std::to_string(grown_bytes_ >> 20) + " MiB were found in mappings that had grown since the last look (the heap, arenas): such memory is taken to have been touched while its mapping was smaller than a huge page, so it gets none; `--tracker userfaultfd` sees the order.");
  if (saw_mapped_file_) summary_.caveats.emplace_back("The program mapped files for their data: the first use of each page was found by polling, 5 to 50 ms later at most; later uses are not seen, so such pages look colder than they are.");
  if (saw_program_file_) summary_.caveats.emplace_back("Text of the program and its libraries (the C library and shells left out) is taken not to be in the target's page cache at the start, unless its root file system is in memory or page_cache[] names the file; its first use was found by polling, in pieces of 64 KiB at most, of later ones only those are seen in which a thread takes a fault.");
  if (unseen_file_bytes_ > 0) summary_.caveats.push_back(std::to_string(unseen_file_bytes_ >> 20) + " MiB were read or written by calls that no hook sees (stdio inside libc, system calls of its own); they were found by polling the descriptors' positions, 5 to 50 ms later at most.");
  if (stacks_.left_out() > 0) summary_.caveats.push_back("The program allocated in more places than can be told apart: " + std::to_string(stacks_.size()) + " stacks are listed, " + std::to_string(stacks_.left_out()) + " samples from others are not.");
  if (saw_huge_pages_) summary_.caveats.emplace_back("The program mapped huge pages (hugetlb): they come from the target's own pool and are not part of the forecast.");
  if (saw_refusal_) summary_.caveats.emplace_back("Memory that the target would refuse was refused to the program (--on-refuse enomem): mmap, brk, sbrk and the malloc family failed; growth by realloc and mremap was let through.");
  if (summary_.lost_events > 0) summary_.caveats.push_back(std::to_string(summary_.lost_events) + " notes from the program were lost because the ring was full; they concern stacks, MADV_FREE and reads and writes of files, not touches.");
}

}  // namespace oomcast::record
