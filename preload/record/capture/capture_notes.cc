// CaptureNotes: words the caveats about what the recorder could not see.
#include "preload/record/capture/capture_notes.h"

#include <algorithm>
#include <cstring>

#include "preload/ring/shared_area.h"

namespace oomcast::record {
namespace {

constexpr size_t kNamed = 8;                // processes that a caveat names at most
constexpr uint64_t kWorthSaying = 8 << 20;  // bytes, four huge pages
constexpr uint64_t kTenthOfSecondNs = 100'000'000;
constexpr const char* kNotKnown =
    "Not known: which code asked for memory, what the program asked about its machine, its NUMA policies and its "
    "advice "
    "about huge pages.";

// By ring::GiveWay.
constexpr std::array<const char*, static_cast<size_t>(ring::GiveWay::kCount)> kReasons = {
    "", "it put itself under seccomp", "it has a userfaultfd of its own", "its memory was opened through /proc/PID/mem",
    "it is traced by another process of the run"};

// By ring::Sensitive.
constexpr std::array<const char*, static_cast<size_t>(ring::Sensitive::kCount)> kQuestions = {
    "sysconf(_SC_PHYS_PAGES)",
    "sysconf(_SC_AVPHYS_PAGES)",
    "sysconf(_SC_NPROCESSORS_ONLN)",
    "sysconf(_SC_NPROCESSORS_CONF)",
    "sysinfo()",
    "get_nprocs()",
    "sched_getaffinity()",
    "/proc/meminfo",
    "/sys/devices/system/cpu",
    "memory limits in /sys/fs/cgroup"};

std::string listed(const std::vector<std::string>& names, size_t most) {
  std::string text;
  for (size_t i = 0; i < names.size() && i < most; ++i) text += (i > 0 ? ", " : "") + names[i];
  return text;
}

void add_once(std::vector<std::string>* names, const std::string& name) {
  if (std::find(names->begin(), names->end(), name) == names->end()) names->push_back(name);
}

std::string mebibytes(uint64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

}  // namespace

void CaptureNotes::note_refused_userfaultfd(const std::string& comm, int error) {
  if (first_refusal_errno_ == 0) first_refusal_errno_ = error;
  add_once(&refused_, comm);
}

void CaptureNotes::note_unhooked_process(const std::string& comm) { add_once(&unhooked_, comm); }

void CaptureNotes::note_held_from_outside(const std::string& comm) { add_once(&held_from_outside_, comm); }

void CaptureNotes::note_not_held(const std::string& comm, int error) {
  add_once(&not_held_, comm + " (" + std::strerror(error) + ")");
}

bool CaptureNotes::knows(ring::GiveWay why) {
  const auto reason = static_cast<size_t>(why);
  return reason > 0 && reason < kReasons.size();
}

void CaptureNotes::note_gave_way(const std::string& comm, ring::GiveWay why) {
  add_once(&gave_way_, comm + " (" + kReasons[static_cast<size_t>(why)] + ")");
}

void CaptureNotes::note_held_no_more(const std::string& comm) { add_once(&held_no_more_, comm); }

const char* CaptureNotes::best_tracker() const {
  const char* witness = "none";
  uint64_t most = 0;
  for (const TrackerKind kind : {TrackerKind::kPagemap, TrackerKind::kWpAsync, TrackerKind::kUserfaultfd}) {
    const uint64_t seen = seen_pages_[static_cast<size_t>(kind)];
    if (!used(kind) || seen < most) continue;
    most = seen;
    witness = tracker_name(kind);
  }
  return witness;
}

std::vector<std::string> CaptureNotes::host_questions() const {
  std::vector<std::string> asked;
  for (size_t bit = 0; bit < kQuestions.size(); ++bit)
    if (host_questions_mask >> bit & 1) asked.emplace_back(kQuestions[bit]);
  return asked;
}

std::vector<std::string> CaptureNotes::caveats() const {
  std::vector<std::string> out;
  say_how_touches_were_seen(&out);
  say_who_was_missed(&out);
  say_what_was_missed(&out);
  say_what_was_let_go(&out);
  return out;
}

/// Every process was only polled, although the kernel refused none a userfaultfd: none of them loaded the library.
bool CaptureNotes::seen_from_outside_only() const {
  return best_ != TrackerKind::kPagemap && refused_.empty() && !used(TrackerKind::kUserfaultfd) &&
         !used(TrackerKind::kWpAsync);
}

void CaptureNotes::note_attached(uint64_t resident_bytes, uint64_t processes) {
  attached_bytes_ = resident_bytes;
  attached_processes_ = processes;
}

void CaptureNotes::say_how_touches_were_seen(std::vector<std::string>* out) const {
  if (attached_processes_ > 0) {
    out->push_back("oomcast attached to a running program: " + mebibytes(attached_bytes_) + " in " +
                   std::to_string(attached_processes_) + (attached_processes_ == 1 ? " process" : " processes") +
                   " were resident then and count as touched at second 0, in the order of their addresses. What was "
                   "touched and given back before, and files that were read before, are not part of the forecast.");
    if (held_from_outside_.empty())
      out->push_back(
          "The program was polled from /proc/PID/pagemap and left alone: touches have the time of the poll, not their "
          "own. Memory that was touched and freed between two polls counts in the peak, by the kernel's counts, and "
          "has "
          "no address. Where this machine gave it huge pages, each counts as touched whole. " +
          std::string(kNotKnown));
  } else if (seen_from_outside_only()) {
    out->push_back(
        "The program did not load the capture library (static, AddressSanitizer, another C library, or an environment "
        "without LD_PRELOAD), so its pages were polled from /proc/PID/pagemap: touches have the time of the poll, not "
        "their own. Memory that was touched and freed between two polls counts in the peak, by the kernel's counts, "
        "and has no address. " +
        std::string(kNotKnown));
  } else if (const std::string limits = tracker_limits(best_); !limits.empty()) {
    out->push_back(limits);
  } else if (!refused_.empty()) {
    // Not said in the cases above. Attached: note_not_held() gives the reason. Outside only: no refusal was noted.
    // Other tracker: `limits` says already that touches were polled.
    out->push_back("The kernel refused a userfaultfd (" + std::string(std::strerror(first_refusal_errno_)) + ") to " +
                   listed(refused_, kNamed) +
                   ", so touches were polled from /proc/PID/pagemap and have the time of the poll, not their own; "
                   "`sysctl vm.unprivileged_userfaultfd=1`, `setfacl -m u:" +
                   std::to_string(user_) + ":rw /dev/userfaultfd` or running as root would allow tracking.");
  }
  if (!held_from_outside_.empty())
    out->push_back(
        "These processes did not load the capture library, and a userfaultfd was opened inside of them: " +
        listed(held_from_outside_, kNamed) +
        ". From then on each touch was held until it was counted, but for what they touched of a new mapping "
        "in the tenths of a millisecond before it was known. " +
        std::string(kNotKnown));
  if (!not_held_.empty())
    out->push_back(
        "These processes did not load the capture library, and no userfaultfd could be opened inside of them: " +
        listed(not_held_, kNamed) + ". Their touches were polled and have the time of the poll, not their own.");
  // Said only if touches of some process could have been held.
  if (polled_ && used(TrackerKind::kUserfaultfd)) out->push_back(polling_phase());
  if (!gave_way_.empty())
    out->push_back(
        "The memory of these processes was polled from the moment on at which they did what does not go with held page "
        "faults: " +
        listed(gave_way_, gave_way_.size()) + ".");
  if (attached_processes_ == 0 && !seen_from_outside_only() && !unhooked_.empty())
    out->push_back("These processes did not load the capture library and were polled from /proc/PID/pagemap: " +
                   listed(unhooked_, kNamed) + ".");
}

std::string CaptureNotes::polling_phase() const {
  const std::string until = exact_after_ns_ == 0
                                ? std::string("The target was never near its next watermark")
                                : "Until second " + std::to_string(exact_after_ns_ / (10 * kTenthOfSecondNs)) + "." +
                                      std::to_string(exact_after_ns_ / kTenthOfSecondNs % 10) +
                                      " of the run the target was not near its next watermark";
  return until +
         ", so touches were found by scans every 8 to 50 ms, without holding the program. Memory that was touched and "
         "freed between two scans counts in the peak, by the kernel's counts, and has no address. `--tracker "
         "userfaultfd` holds each touch from the start.";
}

void CaptureNotes::say_who_was_missed(std::vector<std::string>* out) const {
  if (hellos_without_descriptor > 0)
    out->push_back(std::to_string(hellos_without_descriptor) +
                   " processes could not be tracked because the recorder had no descriptors left (RLIMIT_NOFILE); "
                   "raise the hard limit: ulimit -Hn.");
  if (children_without_descriptor > 0)
    out->push_back(std::to_string(children_without_descriptor) +
                   (children_without_descriptor == 1 ? " child" : " children") +
                   " of the program had no descriptors left to meet the recorder with (RLIMIT_NOFILE): such memory was "
                   "polled from /proc/PID/pagemap, and what a child touched in its last 50 ms may be missed.");
}

std::string CaptureNotes::later_uses() const {
  if (pages_stashed > 0)
    return "Later uses of a page were seen by taking the page out of the program's page table, reads too. Of " +
           std::to_string(pages_not_stashed + pages_stashed) + " pages, " + std::to_string(pages_not_stashed) +
           " could not be taken out (shared since a fork, pinned, locked, not the program's alone): of these only "
           "writes are seen.";
  return std::string(
             "Later uses of a page were seen by write protection. Uses that only read a page are not seen, so pages "
             "that are read often look colder than they are.") +
         (!wanted_stash ? ""
          : had_stash   ? " `--see-reads` could take no page out."
                        : " `--see-reads` was of no use: it needs Linux 6.8 and root.");
}

void CaptureNotes::say_what_was_missed(std::vector<std::string>* out) const {
  if (armed_watches) out->push_back(later_uses());
  if (robust_mutexes)
    out->emplace_back(
        "A program has robust mutexes (PTHREAD_MUTEX_ROBUST), which the kernel has to reach without a page fault when "
        "a thread ends: later uses of its memory are not seen.");
  if (stash_lost)
    out->emplace_back(
        "The task that held the pages which the target had swapped out was killed. The program has got them back; from "
        "then on uses that only read a page are not seen.");
  if (copied_pages > 0)
    out->push_back("The program forked: " + std::to_string(copied_pages) +
                   " pages that it shared with a child were copied when one of them wrote; the copies have the time of "
                   "the poll, 0.2 s later at most.");
  if (grown_bytes >= kWorthSaying)
    out->push_back(
        mebibytes(grown_bytes) +
        " were found in mappings that had grown since the last scan (the heap, arenas). Such memory is assumed to "
        "have been touched while its mapping was smaller than a huge page, so it gets none. `--tracker userfaultfd` "
        "sees the order.");
  if (mapped_data_file)
    out->emplace_back(
        "The program mapped files for their data. The first use of each page was found by a scan, 5 to 50 ms later at "
        "most. Later uses are not seen, so such pages look colder than they are.");
  if (mapped_program_file)
    out->emplace_back(
        "Code of the program and its libraries (but for the C library and shells) is assumed not to be in the target's "
        "page cache at the start, unless its root file system is in memory or page_cache[] names the file. Its first "
        "use is known to 64 KiB. Of later uses only those are seen in which a thread takes a page fault, so code may "
        "look colder than it is.");
  if (unhooked_file_bytes > 0)
    out->push_back(
        (unhooked_file_bytes < uint64_t{1} << 20 ? "Less than 1 MiB" : mebibytes(unhooked_file_bytes)) +
        " were read or written by calls that no hook sees (stdio inside libc, system calls of its own). They were "
        "found by the positions of the descriptors, 5 to 50 ms later at most.");
  if (used_io_uring)
    out->emplace_back(
        "The program uses io_uring. What it reads and writes through it is not seen, so the forecast lacks the page "
        "cache and the disk traffic of these files.");
  if (samples_left_out > 0)
    out->push_back("The program allocated in more places than the report lists: " + std::to_string(sites) +
                   " stacks are listed, " + std::to_string(samples_left_out) + " samples from others are not.");
  if (mapped_huge_pages)
    out->emplace_back(
        "The program mapped huge pages (hugetlb): they come from the target's own pool and are not part of the "
        "forecast.");
  if (refused_memory)
    out->emplace_back(
        "Memory that the target would refuse was refused to the program (--on-refuse enomem): mmap, brk, sbrk and the "
        "malloc family failed; growth by realloc and mremap was let through.");
  if (lost_notes > 0)
    out->push_back(std::to_string(lost_notes) +
                   " notes from the program were lost because the ring was full; they concern stacks, MADV_FREE and "
                   "reads and writes of files, not touches.");
}

void CaptureNotes::say_what_was_let_go(std::vector<std::string>* out) const {
  if (let_go_moves > 0)
    out->push_back("mremap() of locked memory touched new pages before the recorder could answer for them, " +
                   std::to_string(let_go_moves) +
                   " times; these pages were counted when the call was over, without their order.");
  if (let_go_faults > 0)
    out->push_back("The kernel did not let the recorder answer " + std::to_string(let_go_faults) +
                   " page faults within half a second; it served them itself, and their pages were counted by polling, "
                   "up to 0.2 s later.");
  if (!held_no_more_.empty())
    out->push_back(
        "The kernel did not let the recorder answer eight page faults of these processes, so that their touches were "
        "polled from then on: " +
        listed(held_no_more_, held_no_more_.size()) + ".");
}

}  // namespace oomcast::record
