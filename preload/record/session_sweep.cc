// Finds what nobody has told us. The sweep reads /proc/PID/maps and the pagemap: thread stacks, arenas, libraries' data,
// processes without the library; and it samples the threads' clocks and the machine's free memory.
#include <poll.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "preload/record/session.h"

namespace oomcast::record {
namespace {

constexpr uint64_t kTickNs = 20'000'000, kFarClockTicks = 3, kGuardNs = 100'000'000;
// Where pages are found without them mappings matter only for what is committed, and an allocator may have 60,000: of all processes'
// time a fortieth, of one's alone half of that; those that have changed and are as large as they were are met by the second.
constexpr uint64_t kMappingsShare = 40, kStaleNs = 1'000'000'000;
constexpr uint64_t kMemoryGoneGraceNs = 5'000'000;
// Longer than a busy machine keeps a runnable thread waiting: what a closed walk left behind faults page by page.
constexpr uint64_t kStalledNs = 100'000'000;
constexpr uint64_t kAllocatorsOwnBytes = 1 << 20;  // alignment and bookkeeping around a large block
constexpr const char* kHeapName = "[heap]";

bool is_heap(const Vma& vma) { return vma.name == kHeapName; }

/// Between the heap and the mapping above it either may grow.
uint64_t middle(const Vma& heap, const Vma& above) { return heap.end + (above.start - heap.end) / 2 / kPage * kPage; }

/// From where to where maps[first, last), all heap or none of it, may grow: the holes beside them included.
std::pair<uint64_t, uint64_t> with_holes(const std::vector<Vma>& maps, size_t first, size_t last) {
  const bool of_heap = is_heap(maps[first]);
  uint64_t start = maps[first].start, end = maps[last - 1].end;
  if (first > 0 && !of_heap) start = is_heap(maps[first - 1]) ? middle(maps[first - 1], maps[first]) : maps[first - 1].end;
  if (last < maps.size() && maps[last].start < kLowHalfEnd) end = of_heap ? middle(maps[last - 1], maps[last]) : maps[last].start;
  return {start, end};
}

/// A heap in pieces fell and grew again behind our back: what is new of it is not registered.
void forget_regrown(AddressMap& map, const std::vector<Vma>& maps, size_t first, size_t last) {
  for (size_t i = first + 1; i < last; ++i)
    if (maps[i].start == maps[i - 1].end && maps[i].writable == maps[i - 1].writable) map.for_each(maps[i].start, maps[i].end, [](Area& area) { area.registered = false; });
}

}  // namespace

/// With the userfaultfd of its kind of memory, if it has one.
bool Session::register_memory(Process& process, uint64_t start, uint64_t end) {
  const bool of_heap = process.heap_fd.valid() && process.in_heap(start);
  if (process.fd_of(of_heap).register_range(start, end)) return true;
  // The other one was first, in a hole where both kinds may grow. Who tells a fault is who wakes the thread: it does.
  return errno == EBUSY && process.heap_fd.valid() && process.fd_of(!of_heap).register_range(start, end);
}

/// Registers what lies between two mappings of other kinds, the holes included. What /proc said is old by now: a part of a
/// mapping that has come since would be split off by it, and mremap() fails on two mappings in place of one.
Session::Registration Session::register_between(Process& process, uint64_t start, uint64_t end, bool whole) {
  if (register_memory(process, start, end)) {
    process.refused_ranges = 0;
    return Registration::kDone;
  }
  // Another kind of mapping has come in between: the next look knows. If it has not, something there can never be registered.
  if (whole || ++process.refused_ranges >= 4) return Registration::kByItself;
  process.whole_sweep_ns = 0;
  return Registration::kLater;
}

/// Learns all mappings; those that can be registered in runs.
void Session::learn_all(Process& process, const std::vector<Vma>& maps, bool whole) {
  const auto registrable = [&](const Vma& vma) { return process.tells_frees() && vma.anonymous() && !vma.shared && !vma.special(); };
  std::vector<PageRange> registered;
  for (size_t first = 0, last = 0; first < maps.size(); first = last) {
    last = first + 1;
    Registration how = Registration::kByItself;
    if (registrable(maps[first])) {
      const bool of_heap = is_heap(maps[first]);
      while (last < maps.size() && registrable(maps[last]) && is_heap(maps[last]) == of_heap) ++last;
      const auto [start, end] = with_holes(maps, first, last);
      if (of_heap) forget_regrown(process.map, maps, first, last);
      bool all_registered = true;
      for (size_t i = first; i < last; ++i) all_registered &= process.map.gaps(maps[i].start, maps[i].end).empty();
      process.map.for_each(start, end, [&](const Area& area) { all_registered &= area.registered; });
      if (!all_registered) how = register_between(process, start, end, whole);
    }
    for (size_t i = first; i < last; ++i) learn(process, maps[i], false, how, &registered);
  }
  reconcile_all(process, registered);
}

/// Learns those that were not mapped like this at the last look. What was touched there is about to be polled.
void Session::learn_changed(Process& process, const std::vector<Vma>& maps) {
  std::vector<PageRange> registered;
  auto before = process.last_maps.begin();
  for (const Vma& vma : maps) {
    while (before != process.last_maps.end() && before->start < vma.start) ++before;
    if (before == process.last_maps.end() || *before != vma) learn(process, vma, false, Registration::kByItself, &registered);
  }
}

/// A hook is about to tell of it: whether the target gives so much at once is decided then, and the program may hear it.
bool Session::is_asked_for(const Process& process, const PageRange& gap) {
  if (!process.shared) return false;
  SharedMapping& area = *process.shared;
  const uint64_t found = gap.second - gap.first;
  const auto is = [&](uint64_t asked, uint64_t requests) { return found >= asked && found - asked < requests * kAllocatorsOwnBytes; };
  // Two that are answered at once may lie side by side.
  uint64_t all_bytes = 0, requests = 0;
  for (const std::atomic<uint64_t>& place : area->asking_bytes) {
    const uint64_t asked = place.load();
    if (asked < ring::kFoundPieceBytes) continue;
    if (is(asked, 1)) return true;
    all_bytes += asked;
    ++requests;
  }
  return requests > 1 && is(all_bytes, requests);
}

/// Takes a mapping into the table: announces what is new, registers what can be, counts what is there already. With
/// `registered`, that is left to the caller: what has been registered goes there, and all else is about to be polled.
void Session::learn(Process& process, const Vma& vma, bool no_reserve, Registration how, std::vector<PageRange>* registered) {
  if (vma.special()) notes_.mapped_huge_pages |= vma.huge();
  if (is_heap(vma)) note_heap(process, vma);
  const bool shared = is_shared_memory(vma);
  if ((vma.shared && !shared) || vma.special()) return;
  const bool anonymous = vma.anonymous() || shared;
  const bool registrable = vma.anonymous() && process.tells_frees();
  // Another kind of memory came in place of what was known here, and nothing told that the old one went.
  std::vector<std::pair<uint64_t, uint64_t>> replaced;
  process.map.for_each(vma.start, vma.end, [&](Area& area) {
    if (area.shared != shared || area.anonymous != anonymous || (shared && area.offset_delta != vma.file_offset - vma.start)) replaced.emplace_back(area.start, area.end);
  });
  for (const auto& [start, end] : replaced) on_unmap(process, start, end);
  std::vector<std::pair<uint64_t, uint64_t>> gaps = process.map.gaps(vma.start, vma.end);
  if (!vma.one_request) std::erase_if(gaps, [&](const PageRange& gap) { return is_asked_for(process, gap); });
  for (const auto& [start, end] : gaps) {
    Area area;
    area.start = start;
    area.end = end;
    area.writable = vma.writable;
    area.anonymous = anonymous;
    area.no_reserve = no_reserve;
    area.stack = vma.name == "[stack]";
    area.text = vma.executable && !anonymous;
    area.at_once = vma.one_request;
    area.since_look = process.looks;
    area.announced = anonymous || vma.writable;
    area.shared = shared;
    if (shared) {
      area.object = ring::file_id(vma.device, vma.inode);
      area.offset_delta = vma.file_offset - vma.start;
      if (!std::exchange(process.maps_shared_memory, true)) process.statm_shared_pages = 0;  // what it is made of is news
    }
    process.map.insert(area);
    if (!area.announced) continue;
    // The kernel may refuse one large request where it grants many small ones, and found memory may have come by many.
    const uint64_t piece = vma.one_request ? end - start : ring::kFoundPieceBytes;
    if (shared) tell_memory_file(process, vma.device, vma.inode, vma.name);
    for (uint64_t at = start; at < end; at += piece) {
      feed_simple(process, trace::EventKind::kMap, at, std::min(piece, end - at), 0, map_flags(area));
      if (shared) feed_simple(process, trace::EventKind::kMapFile, at, area.object, at + area.offset_delta);
    }
  }
  std::vector<std::pair<uint64_t, uint64_t>> unregistered;
  std::vector<std::pair<uint64_t, uint64_t>> changed;
  process.map.for_each(vma.start, vma.end, [&](Area& area) {
    if (area.writable != vma.writable) {
      if (area.announced) changed.emplace_back(area.start, area.end);
      area.writable = vma.writable;
      area.since_look = process.looks;
    }
    if (registrable && !area.registered) unregistered.emplace_back(area.start, area.end);
  });
  for (const auto& [start, end] : changed) feed_simple(process, trace::EventKind::kProtect, start, end - start, 0, vma.writable ? trace::kWritable : 0);
  if (registrable) {
    if (!unregistered.empty() && how != Registration::kLater) {
      if (how == Registration::kDone || register_memory(process, vma.start, vma.end)) {
        process.map.for_each(vma.start, vma.end, [&](Area& area) {
          area.registered = true;
          if (process.shared) process.shared->known.set(area.start, area.end, true);
        });
      }
      // Registered first, counted after: whatever is touched in between faults.
      if (registered != nullptr) registered->insert(registered->end(), unregistered.begin(), unregistered.end());
      else reconcile_all(process, unregistered);
    }
    process.map.join(vma.start, vma.end);
  } else if (anonymous || vma.writable) {
    if (!shared && registered == nullptr) reconcile_all(process, gaps);
    // It is polled anyway: malloc's hook need not ask.
    if (process.shared && anonymous)
      for (const auto& [start, end] : gaps) process.shared->known.set(start, end, true);
  }
}

/// `changed_only`: what is mapped as it was is known, where nothing but looks like this one changes what we know.
void Session::look_at_mappings(Process& process, bool changed_only, bool whole) {
  const uint64_t cpu_began = thread_cpu_ns();
  std::vector<Vma> maps = read_maps(process.maps.get());
  if (maps.empty()) return;
  process.ours.clear();
  process.swept_size_pages = process.size_pages;
  process.swept_data_pages = process.data_pages;
  // Gone without a word: mappings that no userfaultfd watches.
  uint64_t covered = 0;
  std::vector<std::pair<uint64_t, uint64_t>> gone;
  auto area = process.map.areas().begin();
  const auto uncovered = [&](uint64_t from, uint64_t to) {
    for (; area != process.map.areas().end() && area->first < to; ++area) {
      if (area->second.end > from) gone.emplace_back(std::max(area->second.start, from), std::min(area->second.end, to));
      if (area->second.end > to) break;  // it goes on behind what is mapped there now
    }
  };
  for (const Vma& vma : maps) {
    if (vma.name.starts_with(kRingName)) process.ours.emplace_back(vma.start, vma.end);
    if ((vma.shared && !is_shared_memory(vma)) || vma.special()) continue;
    if (vma.start > covered) uncovered(covered, vma.start);
    covered = vma.end;
  }
  uncovered(covered, ~uint64_t{0});
  for (const auto& [from, to] : gone) on_unmap(process, from, to);
  for (const Vma& vma : maps)
    if (is_heap(vma)) process.break_end = vma.end;
  if (changed_only) learn_changed(process, maps);
  else learn_all(process, maps, whole);
  find_relocated(process, maps);
  process.last_maps = std::move(maps);
  note_where_to_scan(process);
  process.next_mappings_ns = rest_after(cpu_began, kMappingsShare);
  process.stale_mappings_ns = monotonic_ns() + kStaleNs;
}

void Session::sweep(Process& process, bool whole, bool last) {
  const uint64_t began = monotonic_ns(), cpu_began = thread_cpu_ns();
  note_poll(process, began);
  if (process.tracked_by_faults() && !whole) close_stalled_walks(process, kStalledNs);
  drain_ring(process);
  whole |= !process.looked_at;
  process.looked_at = true;
  const uint64_t tracked_before = process.counted_pages;
  Look look = what_has_changed(process, began);
  if (whole) look = {Touches::kAll, true};
  else if (last) look.touches = Touches::kFresh;
  if (look.mappings) look_at_mappings(process, !whole && !process.tracked_by_faults(), whole);
  if (look.touches != Touches::kNone) poll_touches(process, look.touches, whole);
  // What it alone has used of shared memory nobody would find any more.
  if (last && process.maps_shared_memory) poll_shared(process);
  if ((last || look.touches == Touches::kAll) && process.far()) tell_remembered_peak(process);
  // After the touches: a mapping of which pages are the process's own is no longer the file's.
  if (look.mappings) learn_mapped_files(process, process.last_maps);
  if (whole || (began >= process.next_file_poll_ns && (process.file_pages != process.polled_file_pages || began >= process.file_poll_ns))) poll_mapped_files(process);
  if (began >= process.next_io_ns) poll_open_files(process);
  if (!memory_files_.empty() && began >= next_settle_ns_) settle_memory_files(process, nullptr);
  if (const std::string text = read_line(process.oom_score_adj.get()); !text.empty())
    if (const int64_t adj = std::atoll(text.c_str()); adj != process.adj) {
      process.adj = adj;
      feed_simple(process, trace::EventKind::kOomScoreAdj, static_cast<uint64_t>(adj), 0);
    }
  if (process.shared) {
    // A writer that died between claiming a slot and filling it would stop the ring for ever.
    if (!process.shared->reader.stuck()) process.shared->stuck_since_ns = 0;
    else if (process.shared->stuck_since_ns == 0) process.shared->stuck_since_ns = began;
    else if (began - process.shared->stuck_since_ns > 100'000'000) process.shared->reader.skip_one();
  }
  const uint64_t now = monotonic_ns();
  ++(look.mappings ? count_.sweeps : count_.glances);
  count_.sweep_ns += now - began;
  set_next_sweep(process, began, thread_cpu_ns() - cpu_began, look.touches, tracked_before);
  process.active = false;
  apply_watches();
}

/// The last look at a process that is leaving: what it has now it takes with it. What is gone already makes no difference.
void Session::look_last(Process& process) {
  process.next_mappings_ns = process.next_full_ns = process.next_shared_ns = process.next_file_poll_ns = process.next_io_ns = 0;
  sweep(process, !process.polled_whole(), true);
}

uint64_t Session::next_deadline_ns() const {
  uint64_t deadline = next_tick_ns_;
  for (const auto& [pid, process] : processes_) {
    deadline = std::min(deadline, process->next_sweep_ns);
    if (process->next_drain_ns != 0) deadline = std::min(deadline, process->next_drain_ns);
    deadline = std::min(deadline, process->unanswered.next_ns());
    if (process->memory_gone_ns != 0) deadline = std::min(deadline, process->memory_gone_ns + kMemoryGoneGraceNs);
  }
  return deadline;
}

void Session::tick() {
  const uint64_t now = monotonic_ns();
  for (auto& [pid, process] : processes_) try_again(*process, false);
  drain_file_users(now);
  std::vector<uint32_t> due;
  for (const auto& [pid, process] : processes_) {
    if (process->memory_gone_ns != 0 ? now - process->memory_gone_ns >= kMemoryGoneGraceNs : now >= process->next_sweep_ns) due.push_back(pid);
  }
  for (const uint32_t pid : due) {
    Process* process = find(pid);
    if (process == nullptr) continue;
    if (process->memory_gone_ns == 0 && process->greeted && !memory_lives(*process)) {
      process->memory_gone_ns = now;
      continue;
    }
    if (process->memory_gone_ns != 0) {
      pollfd ended{process->pidfd.get(), POLLIN, 0};
      if (::poll(&ended, 1, 0) == 1) {
        process->memory_gone_ns = 0;
        continue;  // the pidfd is in the loop
      }
      // On its way out: the address space goes before the process does.
      if (read_line(process->statm.get()).starts_with("0 ")) {
        process->memory_gone_ns = now;
        continue;
      }
      // Alive without the library: it has exec'ed something that did not load it (or not yet).
      became_other_program(*process);
      process->exec_pending = true;
      process->greeted = false;
      process->next_sweep_ns = now + 20'000'000;
      continue;
    }
    if (!process->greeted || process->exec_pending) notes_.use_tracker(TrackerKind::kPagemap);
    if (process->tells_frees()) on_userfaultfd(*process);
    sweep(*process, false);
  }
  if (!due.empty()) tell_sampled_peak(false);  // after the looks: what has only grown they have found
  if (!near_ && is_near()) come_near();
  if (now < next_tick_ns_) return;
  next_tick_ns_ = now + kTickNs;
  ++ticks_;
  near_cpu_.rest({loop_tid_, doorbell_.answering_tid()});
  answer_all();  // whose ring failed
  most_found_pages_ = std::max(most_found_pages_, std::exchange(found_pages_, 0));
  // What a thread computes between two looks is told at one go: while nothing is near, who was first makes no difference.
  if (near_ || ticks_ % kFarClockTicks == 0)
    for (auto& [pid, process] : processes_) tick_process(*process, now);
  if (options_.follow_children && ticks_ % 5 == 0) discover_children(now);
  apply_watches();
  if (now >= next_guard_ns_) {
    next_guard_ns_ = now + kGuardNs;
    check_guard();
  }
  if (options_.progress && now >= next_progress_ns_) {
    next_progress_ns_ = now + 100'000'000;
    options_.progress({summary_.events, tracked_pages_ * kPage, static_cast<int>(processes_.size())});
  }
}

/// Lets time pass for threads that did not fault, and notices those that have ended.
void Session::tick_process(Process& process, uint64_t now_ns) {
  const std::vector<uint32_t> tids = numbers_in_directory("/proc/" + std::to_string(process.pid) + "/task");
  if (tids.empty()) return;
  charge_native_faults(process);
  for (const uint32_t tid : tids) {
    auto& task = process.tasks[tid];
    if (!task) task = std::make_unique<Task>(static_cast<pid_t>(process.pid), tid, now_ns);
    task->tick = ticks_;
  }
  for (auto at = process.tasks.begin(); at != process.tasks.end();) {
    Task& task = *at->second;
    if (task.tick == ticks_) {
      trace::Event event = stamped(process, &task, trace::EventKind::kClock, true);
      if (event.compute_ns > 1'000'000) process.active = true;
      if (event.compute_ns + event.wait_ns > 0) feed(event);
      ++at;
      continue;
    }
    for (Walk& walk : task.walks) end_walk(process, task, walk);
    if (task.tid != process.pid) {
      trace::Event event = stamped(process, nullptr, trace::EventKind::kThreadExit);
      event.tid = task.tid;
      feed(event);
    }
    process.free_advice.over(task.tid);
    process.unanswered.answered(task.tid);
    at = process.tasks.erase(at);
  }
}

}  // namespace oomcast::record
