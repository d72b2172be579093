// Answers: replies to hellos, and to the questions of the library in a guest.
#include "preload/record/answers.h"

#include <errno.h>
#include <spdlog/spdlog.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "preload/record/kernel/kernel_text.h"
#include "preload/record/kernel/page_scan.h"
#include "preload/record/kernel/pages.h"
#include "preload/record/kernel/proc_file.h"
#include "preload/record/kernel/sealed_memory.h"
#include "preload/record/kernel/shared_address_space.h"
#include "preload/record/kernel/userfaultfd.h"

namespace oomcast::record {
namespace {

constexpr uint64_t kUserEnd = uint64_t{1} << 56;
constexpr uint64_t kScanAfterHelloNs = 3'000'000;  // after a hello, unless the process asks something before

}  // namespace

/// By /proc, because a process of another user may claim any parent.
bool Answers::descends_from_guest(uint32_t pid) {
  for (int generation = 0; generation < 32 && pid > 1; ++generation) {
    if (rooms_.processes.find(pid) != nullptr) return true;
    pid = parent_of(pid).value_or(0);
  }
  return false;
}

bool Answers::share_area(Process& process, UniqueFd* out) {
  UniqueFd area = sealed_memory(sizeof(ring::SharedArea));
  if (!area || !questions_.doorbell().valid()) return false;
  void* mapped = ::mmap(nullptr, sizeof(ring::SharedArea), PROT_READ | PROT_WRITE, MAP_SHARED, area.get(), 0);
  if (mapped == MAP_FAILED) return false;
  process.stash = {};
  process.shared = std::make_unique<SharedMapping>(mapped);
  *out = std::move(area);
  return true;
}

/// The process that says hello, added if it is not known, with the program that it runs now.
Process& Answers::known_process(uint32_t pid, const ring::Request& request) {
  const auto said_parent = static_cast<uint32_t>(request.argument);
  Process* process = rooms_.processes.find(pid);
  if (request.kind == ring::RequestKind::kHelloForked && process == nullptr) {
    Process* parent = rooms_.processes.find(said_parent);
    if (parent != nullptr) {
      life_.catch_up_before_fork(*parent);
      rooms_.feed.report(*parent, trace::EventKind::kFork, pid, 0);
    }
    process = &life_.add(pid, said_parent, parent != nullptr ? rooms_.copies.inherited_pages(*parent, pid) : 0);
    if (parent != nullptr) {
      life_.inherit_from(*process, *parent);
      rooms_.feed.report_comm(*process);
    } else {
      rooms_.feed.report(*process, trace::EventKind::kProcessStart, 0, 0);
      rooms_.feed.read_comm(*process);
    }
  } else if (process == nullptr) {
    // Spawned: vfork and exec, or a child that exec'ed before its hello. It has no memory of its parent.
    if (Process* parent = rooms_.processes.find(said_parent))
      rooms_.reader.drain(*parent);  // the child inherits the parent's settings
    process = &life_.add(pid, said_parent);
    const Process* parent = rooms_.processes.find(said_parent);
    rooms_.feed.report(*process, trace::EventKind::kProcessStart, parent != nullptr ? said_parent : 0, 0);
    if (parent != nullptr) life_.inherit_open_files(*process, *parent);
    rooms_.settings.report_limits(*process);
    rooms_.feed.read_comm(*process);
  } else if (process->life.exec_pending && process->memory->has_memory()) {
    process->life.exec_pending = false;
    rooms_.feed.read_comm(*process);
  } else if (process->life.discovered && request.kind == ring::RequestKind::kHelloForked) {
    // It was found before its hello, and is known as a copy of its parent already.
    process->life.discovered = false;
  } else if (process->life.discovered && process->memory->has_memory()) {
    // It was found after its exec, while the program was being loaded: this is the program that was scanned.
    process->life.discovered = false;
    rooms_.feed.read_comm(*process);
  } else if (process->life.said_hello || process->life.discovered || !process->memory->has_memory()) {
    // A new program: the one that said hello, or was scanned, is gone by an exec.
    process->life.discovered = false;
    life_.begin_other_program(*process);
  } else {
    rooms_.feed.read_comm(*process);  // the root's first hello
  }
  return *process;
}

void Answers::take_hello(Hello hello) {
  const ring::Request& request = hello.request;
  const int fd = hello.connection;
  if (request.kind == ring::RequestKind::kHelloStash) return take_stash_helper(hello);
  uint32_t pid = hello.pid;
  if ((request.flags & ring::kByHelper) != 0) pid = parent_of(pid).value_or(pid);
  const bool ours = hello.user == ::geteuid() || descends_from_guest(pid);
  if (!ours || (!rooms_.options.follow_children && pid != rooms_.processes.root.pid) ||
      (rooms_.processes.root.ended && !rooms_.options.wait_for_all)) {
    hellos_.reply(fd, {ring::ReplyStatus::kStayOut});
    return;
  }
  if (rooms_.tracker == TrackerKind::kUserfaultfd && (request.flags & ring::kTriedDevice) == 0 &&
      (!hello.descriptors.all || (request.flags & ring::kUserModeOnly) != 0)) {
    if (const UniqueFd device = open_userfaultfd_device(); device) {
      hellos_.reply(fd, {ring::ReplyStatus::kTakeDevice}, std::array{device.get()});
      return;
    }
  }
  Process& process = known_process(pid, request);
  process.life.said_hello = true;
  process.life.exec_pending = false;
  process.life.memory_gone_ns = 0;
  UniqueFd area;
  if (!share_area(process, &area)) {
    hellos_.reply(fd, {ring::ReplyStatus::kStayOut});
    return;
  }
  start_tracking(process, std::move(hello.descriptors), request);
  spdlog::info("process {} ({}) is watched by {}; {} of its pages were there already", pid, process.comm,
               tracker_name(process.tracker), process.pages.count(PageBit::kTouched));
  hellos_.reply(fd, {ring::ReplyStatus::kTracked, !process.tracked_by_faults(), process.huge_pages_off},
                std::array{area.get(), questions_.doorbell().memory().get()});
  if (process.scans.begun) return;
  // The positions of its descriptors have to be known from the start.
  if (!process.files.use.begun) rooms_.files.scan(process);
  process.scans.next_ns = rooms_.clocks.now_ns() + kScanAfterHelloNs;
}

/// The helper must be a child of the process and share its address space.
void Answers::take_stash_helper(const Hello& hello) {
  const uint32_t parent = parent_of(hello.pid).value_or(0);
  Process* const process = rooms_.processes.find(parent);
  UniqueFd socket = hellos_.keep(hello.connection);
  if (process == nullptr || !process->stash.possible || process->stash.helper != nullptr || !process->shared ||
      !process->tracked_by_faults() || !share_address_space(parent, hello.pid))
    return;
  std::vector<int> places{process->fault_fd.fd()};
  if (process->heap_fd.valid()) places.push_back(process->heap_fd.fd());
  hellos_.reply(socket.get(), {ring::ReplyStatus::kTracked}, places);
  ::setpriority(PRIO_PROCESS, hello.pid, -10);  // threads of the guest wait for it, as for us
  spdlog::info("process {} ({}) has a stash, held by {}", process->pid, process->comm, hello.pid);
  rooms_.notes.had_stash = true;
  Stash::begin(*process, std::make_unique<StashHelper>(std::move(socket), hello.pid, (*process->shared)->stash));
}

/// Pages that are out cannot be shared with the child, so they are brought back and write-protected. While they are
/// shared, their reads are not seen.
void Answers::bring_back_before_fork(Process& process) {
  const std::vector<uint64_t> pages = Stash::pages_out(process, 0, kLowHalfEnd);
  if (rooms_.stash.bring_back(process, 0, kLowHalfEnd) && process.shared)
    (*process.shared)->stash.holds.store(0, std::memory_order_relaxed);
  EventFeed::protect(process, pages);
}

void Answers::start_tracking(Process& process, FaultDescriptors descriptors, const ring::Request& hello) {
  // A process forked from one that gave way opens no userfaultfd: that does not count as a refusal.
  const bool refused = hello.userfaultfd_errno != 0 || descriptors.all;
  if (!process.gives_way && descriptors.all && is_traced_by_guest(process))
    note_gives_way(process, ring::GiveWay::kTraced);
  if (process.gives_way) descriptors = {};
  // The process was held from outside. Its own descriptors replace that one, as they tell the heap apart.
  if (process.fault_fd.valid()) rooms_.filler.poll_from_now_on(process);
  process.outside = {};
  Userfaultfd opened(std::move(descriptors.all)), heap(std::move(descriptors.heap));
  // With a user-mode-only userfaultfd, read(fd, fresh_memory) would fail with EFAULT in the guest: it is never used to
  // hold faults.
  const bool user_mode_only = hello.flags & ring::kUserModeOnly;
  process.tracker = TrackerKind::kPagemap;
  const auto forks = rooms_.options.stash ? Userfaultfd::Forks::kReported : Userfaultfd::Forks::kSilent;
  if (opened.valid() && rooms_.tracker == TrackerKind::kUserfaultfd && !user_mode_only &&
      opened.negotiate(Userfaultfd::Unmaps::kReported, forks))
    process.tracker = TrackerKind::kUserfaultfd;
  else if (opened.valid() && rooms_.tracker != TrackerKind::kPagemap && kernel_has_pagemap_scan() &&
           opened.negotiate_async())
    process.tracker = TrackerKind::kWpAsync;
  process.exact = rooms_.phase.exact();
  rooms_.notes.use_tracker(process.tracker);
  if (process.in_polling_phase()) rooms_.notes.use_tracker(TrackerKind::kPagemap);
  if (process.tracker != TrackerKind::kPagemap) {
    process.stash.possible = opened.reports_forks();
    process.fault_fd = OptionalChannel(std::make_unique<Userfaultfd>(std::move(opened)));
    loop_.watch(process.fault_fd.fd(), SourceKind::kFaults, process.pid);
    if (heap.valid() &&
        (process.tracker == TrackerKind::kUserfaultfd ? heap.negotiate(Userfaultfd::Unmaps::kSilent, forks)
                                                      : heap.negotiate_async(Userfaultfd::Unmaps::kSilent))) {
      process.stash.possible = process.stash.possible && heap.reports_forks();
      process.heap_fd = OptionalChannel(std::make_unique<Userfaultfd>(std::move(heap)));
      loop_.watch(process.heap_fd.fd(), SourceKind::kFaults, process.pid);
    }
  }
  if (process.tracker != rooms_.tracker && refused && !process.gives_way) {
    rooms_.notes.note_refused_userfaultfd(process.comm, hello.userfaultfd_errno != 0 ? hello.userfaultfd_errno : EPERM);
  }
  if (!process.fault_fd.valid()) process.memory->open();  // now, while it is certainly the memory of this program
  publish_ask_thresholds(process, rooms_.options.refuse_enomem);
  // Where nothing is registered the thread need not wait for a scan: most forked children exec, and many programs end,
  // before the first one.
  if (!process.reports_frees()) return;
  rooms_.scanner.scan(process, true);
  if (!process.tracked_by_faults()) return;
  rooms_.meter.stop_sampling();  // the kernel's counts include prefilled pages from now on
  // Prefilled pages and zero pages that the child has inherited are not write-protected in the child yet.
  std::vector<uint64_t> left, armed;
  for (const auto& [start, area] : process.map.areas()) {
    if (!area.registered) continue;
    process.pages.for_each(PageBit::kPrefilled, area.start, area.end,
                           [&](uint64_t address) { left.push_back(address); });
    for (const PageBit bit : {PageBit::kPrefilledArmed, PageBit::kZero})
      process.pages.for_each(bit, area.start, area.end, [&](uint64_t address) { armed.push_back(address); });
  }
  for (const uint64_t address : left) {
    process.pages.become(PageBit::kPrefilledArmed, address);
    armed.push_back(address);
  }
  // Inherited memory counts as touched.
  if (process.shared)
    process.pages.for_each(PageBit::kTouched, 0, ~uint64_t{0},
                           [&](uint64_t address) { process.shared->touched.set(address, address + kPage, true); });
  for (const uint64_t address : armed) process.fault_fd.protect(address, address + kPage, true, false);
  Stash::want_helper(process);
}

bool Answers::is_refused(Process& process, const ring::Request& request) {
  if (request.address > kUserEnd || request.bytes > kUserEnd) return false;
  ++rooms_.count.requests;
  const bool was_scanned = process.scans.begun;
  // Memory must have been scanned before it is freed, by a call or by the exit.
  if (!was_scanned && (request.kind == ring::RequestKind::kFreeing || request.kind == ring::RequestKind::kExiting))
    rooms_.scanner.scan(process, true);
  if (process.reports_frees()) rooms_.faults.serve(process);
  rooms_.reader.drain(process);
  rooms_.feed.take_refusal();  // drops refusals of earlier events
  if (request.tid != 0 && process.tasks.contains(request.tid)) process.tasks[request.tid]->clock.count_request();
  process.scans.active = true;
  switch (request.kind) {
    case ring::RequestKind::kBreakMoved:
      rooms_.heap.take_growth(process, request);
      break;
    case ring::RequestKind::kMapped: {
      if (request.bytes == 0) break;
      Vma vma;
      vma.start = page_down(request.address);
      vma.end = page_up(request.address + request.bytes);
      vma.readable = request.argument & PROT_READ;
      vma.writable = request.argument & PROT_WRITE;
      vma.one_request = true;
      vma.locked = request.flags & MAP_LOCKED;
      rooms_.mappings.learn(process, vma, request.flags & MAP_NORESERVE);
      break;
    }
    case ring::RequestKind::kUnknownPage: {
      const uint64_t end = request.address + std::max<uint64_t>(request.bytes, 1);
      Vma vma;
      if (request.bytes >= ring::kFoundPieceBytes && process.memory->mapping_at(request.address, &vma) &&
          vma.end >= end && vma.anonymous()) {
        // The mapping may hold other allocations as well: the pages of this one are learned first.
        vma.start = std::max(vma.start, page_down(request.address));
        vma.end = std::min(vma.end, page_up(end));
        vma.one_request = true;
        rooms_.mappings.learn(process, vma, false);
      }
      for (uint64_t at = request.address; at < end && process.memory->mapping_at(at, &vma); at = vma.end)
        rooms_.mappings.learn(process, vma, false);
      // Marked as known, whatever it is: else each allocation there would ask again.
      if (process.shared) process.shared->known.set(page_down(request.address), page_up(end), true);
      break;
    }
    case ring::RequestKind::kFreeing:
      if (request.address + request.bytes <= request.address) break;
      rooms_.scanner.scan_at_possible_peak();
      rooms_.poller.scan_before_free(process, page_down(request.address), page_up(request.address + request.bytes),
                                     request.argument == ring::kMayStay);
      // The coverage ratio compares the tracked peak with the kernel's, so the kernel's count is read before the free.
      if (rooms_.meter.rises_above(rooms_.meter.tracked_pages() * kPage, rooms_.meter.rss_peak_bytes()))
        rooms_.meter.sample_resident(process);
      if (request.argument == ring::kOfFile) rooms_.mapped_files.scan_before_free(process);
      break;
    case ring::RequestKind::kExiting:
      process.life.exit_status = static_cast<int>(request.argument) & 0xff;
      rooms_.windows.close_stalled(process, 0);
      if (was_scanned) rooms_.scanner.scan_last(process);
      rooms_.scanner.scan_at_possible_peak();
      break;
    case ring::RequestKind::kGiveWay:
      if (Process* other =
              request.address == 0 ? &process : rooms_.processes.find(static_cast<uint32_t>(request.address)))
        give_way(*other, static_cast<ring::GiveWay>(request.argument));
      break;
    case ring::RequestKind::kFileNoted:  // the note was taken above, and its watches are armed below
      if (request.argument == ring::kScanShared) rooms_.scanner.scan_shared_now(process);
      break;
    case ring::RequestKind::kForking:
      bring_back_before_fork(process);
      break;
    case ring::RequestKind::kKillsAll:
      rooms_.stash.end(process);
      break;
    case ring::RequestKind::kHello:
    case ring::RequestKind::kHelloForked:
    case ring::RequestKind::kHelloStash:
      break;
  }
  const bool refused = rooms_.feed.take_refusal() && rooms_.options.refuse_enomem;
  rooms_.notes.refused_memory |= refused;
  rooms_.feed.arm_watches();
  return refused;
}

/// False: the process has given way before, or the guest gives an unknown reason.
bool Answers::note_gives_way(Process& process, ring::GiveWay why) {
  if (process.gives_way || !CaptureNotes::knows(why)) return false;
  process.gives_way = true;
  rooms_.notes.note_gave_way(process.comm, why);
  return true;
}

void Answers::give_way(Process& process, ring::GiveWay why) {
  if (!note_gives_way(process, why) || process.tracker == TrackerKind::kPagemap) return;
  if (process.reports_frees()) rooms_.faults.serve(process);
  rooms_.windows.close_stalled(process, 0);
  rooms_.filler.poll_from_now_on(process);
  process.memory->open();  // now, while it is certainly the memory of this program
  rooms_.scanner.scan(process, true);
}

/// A tracer reads and writes the memory of the process without waiting for a fault. A tracer outside of the run is not
/// looked at.
bool Answers::is_traced_by_guest(const Process& process) {
  const auto tracer =
      static_cast<uint32_t>(number_behind(read_whole_path(proc_of(process.pid) + "status"), "TracerPid:"));
  return tracer != 0 && rooms_.processes.find(tracer) != nullptr;
}

}  // namespace oomcast::record
