// What the library in the guest asks, and what it leaves in the ring: hellos, ranges to register, goodbyes.
#include <errno.h>
#include <spdlog/spdlog.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <fcntl.h>

#include <algorithm>

#include "preload/record/session.h"
#include "preload/ring/descriptors.h"
#include "preload/ring/protocol.h"

namespace oomcast::record {
namespace {

constexpr size_t kTasksMax = 65536;
constexpr uint64_t kUserEnd = uint64_t{1} << 56;
constexpr uint64_t kFirstLookNs = 3'000'000;  // after a hello, unless the process asks something before

}  // namespace

void Session::on_connection(int listener) {
  int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  if (fd >= 0) return add_connection(fd);
  if (errno != EMFILE && errno != ENFILE) return;
  // Out of descriptors: who waits for our answer must not wait for ever. The one kept for this hangs up on him.
  spare_.reset();
  fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  if (fd >= 0) ::close(fd);
  spare_ = UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  ++notes_.hellos_without_descriptor;
}

/// Its ancestors by the kernel's word; a process that another user started may claim any parent.
bool Session::descends_from_guest(uint32_t pid) {
  for (int generation = 0; generation < 32 && pid > 1; ++generation) {
    if (find(pid) != nullptr) return true;
    pid = static_cast<uint32_t>(stat_field(read_whole_path("/proc/" + std::to_string(pid) + "/stat"), 4).value_or(0));
  }
  return false;
}

void Session::on_message(int fd) {
  ring::Request request;
  iovec io{&request, sizeof request};
  alignas(cmsghdr) char control[CMSG_SPACE(4 * sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &io;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t got = ::recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  FaultDescriptors carried;
  if (got >= 0) ring::for_each_descriptor(message, [&](int descriptor) { (carried.all ? carried.heap : carried.all) = UniqueFd(descriptor); });
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  const bool whole = got == static_cast<ssize_t>(sizeof request) && request.magic == ring::kMagic && request.version == ring::kVersion;
  if (whole && (request.kind == ring::RequestKind::kHello || request.kind == ring::RequestKind::kHelloForked)) on_hello(fd, request, std::move(carried));
  else hang_up(fd);
}

void Session::hang_up(int fd) {
  if (connections_.erase(fd) != 0) ::close(fd);
}

/// But for kTakeDevice this is the last word over this socket.
void Session::reply(int fd, ring::ReplyStatus status, std::initializer_list<int> descriptors, bool polled, bool huge_pages_off) {
  ring::Reply answer;
  answer.status = status;
  answer.stack_sample_bytes = static_cast<uint64_t>(std::max<int64_t>(options_.stack_sample_bytes, 0));
  answer.polled = polled ? 1 : 0;
  answer.huge_pages_off = huge_pages_off ? 1 : 0;
  answer.shared_bytes = sizeof(ring::SharedArea);
  iovec io{&answer, sizeof answer};
  alignas(cmsghdr) char control[CMSG_SPACE(2 * sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &io;
  message.msg_iovlen = 1;
  if (descriptors.size() > 0) ring::attach_descriptors(&message, control, descriptors.begin(), descriptors.size());
  static_cast<void>(::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT));
  if (status != ring::ReplyStatus::kTakeDevice) hang_up(fd);
}

bool Session::share_area(Process& process, UniqueFd* out) {
  UniqueFd area = sealed_memory(sizeof(ring::SharedArea));
  if (!area || !doorbell_.valid()) return false;
  void* mapped = ::mmap(nullptr, sizeof(ring::SharedArea), PROT_READ | PROT_WRITE, MAP_SHARED, area.get(), 0);
  if (mapped == MAP_FAILED) return false;
  process.shared = std::make_unique<SharedMapping>(mapped);
  *out = std::move(area);
  return true;
}

void Session::on_hello(int fd, const ring::Request& request, FaultDescriptors descriptors) {
  // A pid in the message could be anything; the kernel's word counts. Of a socketpair it is the recorder's own maker.
  ucred peer{};
  socklen_t length = sizeof peer;
  ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length);
  auto pid = static_cast<uint32_t>(peer.pid);
  if ((request.flags & ring::kByHelper) != 0) pid = static_cast<uint32_t>(stat_field(read_whole_path("/proc/" + std::to_string(pid) + "/stat"), 4).value_or(pid));
  const auto said_parent = static_cast<uint32_t>(request.argument);
  const bool ours = peer.uid == ::geteuid() || descends_from_guest(pid);
  if (!ours || (!options_.follow_children && pid != root_) || (root_ended_ && !options_.wait_for_all)) {
    reply(fd, ring::ReplyStatus::kStayOut);
    return;
  }
  if (tracker_ == TrackerKind::kUserfaultfd && (request.flags & ring::kTriedDevice) == 0 && (!descriptors.all || (request.flags & ring::kUserModeOnly) != 0)) {
    if (const UniqueFd device(::open("/dev/userfaultfd", O_RDWR | O_CLOEXEC)); device) {
      reply(fd, ring::ReplyStatus::kTakeDevice, {device.get()});
      return;
    }
  }
  Process* process = find(pid);
  if (request.kind == ring::RequestKind::kHelloForked && process == nullptr) {
    Process* parent = find(said_parent);
    if (parent != nullptr) {
      catch_up_before_fork(*parent);
      feed_simple(*parent, trace::EventKind::kFork, pid, 0);
    }
    process = &add_process(pid, said_parent, parent != nullptr ? inherited_by_fork(*parent, pid) : 0);
    if (parent != nullptr) {
      inherit_from(*process, *parent);
      tell_comm(*process);
    } else {
      feed_simple(*process, trace::EventKind::kProcessStart, 0, 0);
      feed_comm(*process);
    }
  } else if (process == nullptr) {
    // Spawned (vfork and exec, or a child that exec'ed before it said hello): nothing of the parent's memory is its own.
    if (Process* told = find(said_parent)) drain_ring(*told);  // what it has set for itself is its child's too
    process = &add_process(pid, said_parent);
    const Process* parent = find(said_parent);
    feed_simple(*process, trace::EventKind::kProcessStart, parent != nullptr ? said_parent : 0, 0);
    if (parent != nullptr) inherit_open_files(*process, *parent);
    feed_limits(*process);
    feed_comm(*process);
  } else if (process->exec_pending) {
    process->exec_pending = false;
    feed_comm(*process);
  } else if (process->discovered && request.kind == ring::RequestKind::kHelloForked) {
    process->discovered = false;  // it waited with its hello until we had found it: known as a copy of its parent already
  } else if (process->discovered && process->pagemap.tells()) {
    // Found after its exec, while it was still being loaded: this is the program that was scanned.
    process->discovered = false;
    feed_comm(*process);
  } else if (process->greeted || process->discovered) {
    process->discovered = false;
    became_other_program(*process);
  } else {
    feed_comm(*process);  // the root's first hello
  }
  process->greeted = true;
  process->exec_pending = false;
  process->memory_gone_ns = 0;
  UniqueFd area;
  if (!share_area(*process, &area)) {
    reply(fd, ring::ReplyStatus::kStayOut);
    return;
  }
  start_tracking(*process, std::move(descriptors), request);
  spdlog::debug("process {} ({}) says hello: {}, {} pages there already", pid, process->comm, tracker_name(process->tracker), process->pages.count(PageBit::kTouched));
  reply(fd, ring::ReplyStatus::kTracked, {area.get(), doorbell_.memory().get()}, !process->tracked_by_faults(), process->huge_pages_off);
  if (process->looked_at) return;
  // Where its descriptors stand has to be known from the start.
  if (!process->file_use.begun) poll_open_files(*process);
  process->next_sweep_ns = monotonic_ns() + kFirstLookNs;
}

void Session::start_tracking(Process& process, FaultDescriptors descriptors, const ring::Request& hello) {
  // A process that was forked from one that gave way opens no userfaultfd: that is no refusal.
  const bool refused = hello.userfaultfd_errno != 0 || descriptors.all;
  if (!process.gives_way && descriptors.all && is_traced_by_guest(process)) note_gives_way(process, ring::GiveWay::kTraced);
  if (process.gives_way) descriptors = {};
  Userfaultfd opened(std::move(descriptors.all)), heap(std::move(descriptors.heap));
  // Without privilege a fault of read(fd, fresh_memory) would end in EFAULT inside the guest: such a descriptor never holds faults.
  const bool user_mode_only = hello.flags & ring::kUserModeOnly;
  process.tracker = TrackerKind::kPagemap;
  if (opened.valid() && tracker_ == TrackerKind::kUserfaultfd && !user_mode_only && opened.negotiate()) process.tracker = TrackerKind::kUserfaultfd;
  else if (opened.valid() && tracker_ != TrackerKind::kPagemap && kernel_has_pagemap_scan() && opened.negotiate_async()) process.tracker = TrackerKind::kWpAsync;
  process.near = near_;
  notes_.use_tracker(process.tracker);
  if (process.far()) notes_.use_tracker(TrackerKind::kPagemap);
  if (process.tracker != TrackerKind::kPagemap) {
    process.fault_fd = std::move(opened);
    watch(process.fault_fd.fd(), kFaults, process.pid);
    if (heap.valid() && (process.tracker == TrackerKind::kUserfaultfd ? heap.negotiate(Userfaultfd::Unmaps::kUntold) : heap.negotiate_async(Userfaultfd::Unmaps::kUntold))) {
      process.heap_fd = std::move(heap);
      watch(process.heap_fd.fd(), kFaults, process.pid);
    }
  }
  if (process.tracker != tracker_ && refused && !process.gives_way) {
    notes_.note_refused_userfaultfd(process.comm, hello.userfaultfd_errno != 0 ? hello.userfaultfd_errno : EPERM);
  }
  if (!process.fault_fd.valid()) process.pagemap.get();  // while it is surely of this program
  say_what_to_ask(process);
  // Where nothing is registered nobody has to wait: most forked children exec, and many programs end, before the first look.
  if (!process.tells_frees()) return;
  sweep(process, true);
  if (!process.tracked_by_faults()) return;
  // Pages that the child got from its parent filled ahead or as zero pages: armed in the parent, not in the child yet.
  std::vector<uint64_t> left, armed;
  for (const auto& [start, area] : process.map.areas()) {
    if (!area.registered) continue;
    process.pages.for_each(PageBit::kAhead, area.start, area.end, [&](uint64_t address) { left.push_back(address); });
    for (const PageBit bit : {PageBit::kLeft, PageBit::kZero}) process.pages.for_each(bit, area.start, area.end, [&](uint64_t address) { armed.push_back(address); });
  }
  for (const uint64_t address : left) {
    process.pages.become(PageBit::kLeft, address);
    armed.push_back(address);
  }
  // Memory that a child was forked with is not fresh.
  if (process.shared)
    process.pages.for_each(PageBit::kTouched, 0, ~uint64_t{0}, [&](uint64_t address) { process.shared->touched.set(address, address + 4096, true); });
  for (const uint64_t address : armed) process.fault_fd.protect(address, address + 4096, true, false);
}

/// Descriptors stand where the parent's do; what /proc counts begins at nothing.
void Session::inherit_open_files(Process& child, const Process& parent) {
  child.file_use.open = parent.file_use.open;
  child.file_use.begun = parent.file_use.begun;
}

void Session::inherit_from(Process& child, Process& parent) {
  share_by_fork(parent, child);
  child.pages = parent.pages;
  child.map = parent.map;
  child.last_maps = parent.last_maps;
  child.sampled = parent.sampled;
  child.code = parent.code;
  child.heap_start = parent.heap_start;
  child.break_end = parent.break_end;
  child.comm = parent.comm;
  child.gives_way = parent.gives_way;  // its library goes by that, too
  child.maps_shared_memory = parent.maps_shared_memory;
  // A fork copies no page table entries of files: what the child uses of them it faults in for itself.
  child.file_mappings = parent.file_mappings;
  for (auto& [start, mapping] : child.file_mappings) mapping.seen.assign(mapping.seen.size(), false);
  // Its hooks know the descriptors that it was born with, and will not claim their files again.
  child.file_use.told = parent.file_use.told;
  inherit_open_files(child, parent);
  // Registration and write protection do not pass over a fork; what is mapped does, and of shared memory no page.
  for (const auto& [start, area] : parent.map.areas())
    if (area.shared) child.pages.clear(area.start, area.end);  // it faults them in for itself
  child.map.for_each(0, ~uint64_t{0}, [](Area& area) { area.registered = false; });
  std::vector<uint64_t> watched;
  for (const auto& [start, area] : child.map.areas()) child.pages.for_each(PageBit::kWatched, area.start, area.end, [&](uint64_t address) { watched.push_back(address); });
  for (const uint64_t address : watched) child.pages.set(PageBit::kWatched, address, false);
  child.inherited_prefilled_pages = child.filled_ahead();
  note_tracked(child);
}

/// Whether the target would have refused the memory that the request is about.
bool Session::on_request(Process& process, const ring::Request& request) {
  if (request.address > kUserEnd || request.bytes > kUserEnd) return false;
  ++count_.requests;
  const bool was_looked_at = process.looked_at;
  // What it is about to give back, or to take with it, must have been seen.
  if (!was_looked_at && (request.kind == ring::RequestKind::kFreeing || request.kind == ring::RequestKind::kExiting)) sweep(process, true);
  if (process.tells_frees()) on_userfaultfd(process);
  drain_ring(process);
  sink_.take_refusal();  // of what came before
  if (request.tid != 0 && process.tasks.contains(request.tid)) process.tasks[request.tid]->clock.count_request();
  process.active = true;
  switch (request.kind) {
    case ring::RequestKind::kBreakMoved: on_break_moved(process, request); break;
    case ring::RequestKind::kMapped: {
      if (request.bytes == 0) break;
      Vma vma;
      vma.start = page_down(request.address);
      vma.end = page_up(request.address + request.bytes);
      vma.readable = request.argument & PROT_READ;
      vma.writable = request.argument & PROT_WRITE;
      vma.one_request = true;
      learn(process, vma, request.flags & MAP_NORESERVE);
      break;
    }
    case ring::RequestKind::kUnknownPage: {
      const uint64_t end = request.address + std::max<uint64_t>(request.bytes, 1);
      Vma vma;
      if (request.bytes >= ring::kFoundPieceBytes && query_map(process.maps.get(), request.address, &vma) && vma.end >= end && vma.anonymous()) {
        // Beside it may lie what else was allocated: its own pages first.
        vma.start = std::max(vma.start, page_down(request.address));
        vma.end = std::min(vma.end, page_up(end));
        vma.one_request = true;
        learn(process, vma, false);
      }
      for (uint64_t at = request.address; at < end && query_map(process.maps.get(), at, &vma); at = vma.end) learn(process, vma, false);
      // Known from now on, whatever it is: or else each allocation there would ask again.
      if (process.shared) process.shared->known.set(page_down(request.address), page_up(end), true);
      break;
    }
    case ring::RequestKind::kFreeing:
      if (request.address + request.bytes <= request.address) break;
      look_at_possible_peak();
      poll_before_free(process, page_down(request.address), page_up(request.address + request.bytes), request.argument == ring::kMayStay);
      // The coverage ratio compares both peaks: the kernel's count is read before this memory is gone, too.
      if (rises_above(tracked_pages_ * kPage, summary_.rss_peak_bytes)) sample_rss(process);
      if (request.argument == ring::kOfFile) poll_mapped_before_free(process);
      break;
    case ring::RequestKind::kExiting:
      process.exit_status = static_cast<int>(request.argument) & 0xff;
      close_stalled_walks(process, 0);
      if (was_looked_at) look_last(process);
      look_at_possible_peak();
      break;
    case ring::RequestKind::kGiveWay:
      if (Process* other = request.address == 0 ? &process : find(static_cast<uint32_t>(request.address))) give_way(*other, static_cast<ring::GiveWay>(request.argument));
      break;
    case ring::RequestKind::kFileNoted:  // drained above, watched below
      if (request.argument == ring::kLookAtShared) look_at_shared_now(process);
      break;
    case ring::RequestKind::kHello:
    case ring::RequestKind::kHelloForked: break;
  }
  const bool refused = sink_.take_refusal() && options_.refuse_enomem;
  notes_.refused_memory |= refused;
  apply_watches();
  return refused;
}

void Session::drain_ring(Process& process) {
  if (!process.shared) return;
  look_at_break(process);
  ring::RingRecord record;
  // Bounded: a guest that writes without pause must not keep us here.
  for (uint64_t i = 0; i < 2 * ring::kSlots && process.shared->reader.pop(record); ++i) {
    if (i == ring::kSlots / 16) drain_soon(process, monotonic_ns());
    ++count_.notes;
    const trace::Event& note = record.event;
    if (note.address + note.bytes < note.address) continue;
    // No memory of a program lies there, and no program has that many threads.
    const bool of_memory = note.kind == trace::EventKind::kAlloc || note.kind == trace::EventKind::kAdviseFree || note.kind == trace::EventKind::kProtect ||
                           note.kind == trace::EventKind::kBindRange || note.kind == trace::EventKind::kHomeNode || note.kind == trace::EventKind::kAdviseHuge || note.kind == trace::EventKind::kUnmap;
    if ((of_memory && note.address + note.bytes > kUserEnd) || (process.tasks.size() >= kTasksMax && !process.tasks.contains(note.tid))) continue;
    switch (note.kind) {
      case trace::EventKind::kAlloc: on_sample(process, note, {record.frames, record.frame_count}); break;
      case trace::EventKind::kAdviseFree:
        if (note.bytes == 0) process.free_advice.withdraw(note.tid);
        else if (process.tells_frees()) process.free_advice.announce(note.tid, note.address, note.address + note.bytes);
        break;
      case trace::EventKind::kProtect: {
        const bool writable = note.flags & trace::kWritable;
        std::vector<std::pair<uint64_t, uint64_t>> changed;
        process.map.for_each(page_down(note.address), page_up(note.address + note.bytes), [&](Area& area) {
          if (area.writable != writable && area.announced) changed.emplace_back(area.start, area.end);
          if (area.writable != writable) area.since_look = process.looks;
          area.writable = writable;
        });
        for (const auto& [start, end] : changed) feed_simple(process, trace::EventKind::kProtect, start, end - start, 0, writable ? trace::kWritable : 0);
        break;
      }
      case trace::EventKind::kFork:
        note_newborn(process, static_cast<uint32_t>(note.address));
        if ((note.flags & ring::kSaysNoHello) != 0) silent_children_.emplace_back(static_cast<uint32_t>(note.address), process.pid);
        break;
      case trace::EventKind::kUnmap:
        forget_mapped_files(process, page_down(note.address), page_up(note.address + note.bytes));
        forget_shared_mappings(process, page_down(note.address), page_up(note.address + note.bytes));
        process.leaving.gone(page_down(note.address), page_up(note.address + note.bytes));
        break;
      case trace::EventKind::kAdviseDontneed: process.leaving.gone(page_down(note.address), page_up(note.address + note.bytes)); break;
      case trace::EventKind::kFileRead:
      case trace::EventKind::kFileWrite:
      case trace::EventKind::kFileSync:
      case trace::EventKind::kFilePunch:
      case trace::EventKind::kFileTruncate: on_file_note(process, note); break;
      case trace::EventKind::kFileInMemory: on_memory_file_note(process, note); break;
      case trace::EventKind::kSetPolicy:
      case trace::EventKind::kBindRange:
      case trace::EventKind::kHomeNode:
      case trace::EventKind::kAdviseHuge:
      case trace::EventKind::kThpDisable:
      case trace::EventKind::kAffinity:
      case trace::EventKind::kLimit: on_setting(process, note); break;
      default: break;  // nothing else is expected: the ring's contents are not to be trusted
    }
  }
  if (!process.newborns.empty()) count_newborns(process);
}

}  // namespace oomcast::record
