// What of a process's memory is shared with others: shared anonymous mappings, memfds, tmpfs files, System V segments?
// They are polled, and told to the sink once however many processes map them.
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>

#include "preload/record/session.h"

namespace oomcast::record {
namespace {


/// The kernel's own mount, where memfds, System V segments and shared anonymous memory live.
uint64_t internal_shmem_device() {
  static const uint64_t device = [] {
    UniqueFd fd(::memfd_create("oomcast", MFD_CLOEXEC));
    struct stat status{};
    return fd && ::fstat(fd.get(), &status) == 0 ? static_cast<uint64_t>(status.st_dev) : 0;
  }();
  return device;
}

}  // namespace

bool Session::is_shared_memory(const Vma& vma) {
  if (!vma.shared || vma.inode == 0 || vma.name.starts_with(kRingName)) return false;
  if (vma.device == internal_shmem_device()) return true;
  const auto [at, is_new] = shmem_devices_.try_emplace(vma.device, false);
  if (is_new) {
    struct statfs system{};
    at->second = vma.name.starts_with("/dev/shm/") || (::statfs(vma.name.c_str(), &system) == 0 && system.f_type == TMPFS_MAGIC);
  }
  return at->second;
}

/// Compares what is mapped of the object with what is counted for this process, and feeds what is news to the sink.
void Session::reconcile_shared(Process& process, uint64_t start, uint64_t end) {
  const Area* area = process.map.find(start);
  if (area == nullptr || !area->shared) return;
  SharedObject& object = objects_[area->object];
  const uint64_t delta = area->offset_delta;
  std::vector<uint64_t> gone;
  uint64_t seen_until = start, run = 0, run_end = 0;
  const auto flush = [&] {
    if (run_end > run) feed_simple(process, trace::EventKind::kTouch, run, run_end - run, 0, trace::kWrite | trace::kPresent);
    run = run_end = 0;
  };
  const auto absent = [&](uint64_t from, uint64_t to) {
    if (from < to) process.pages.for_each(PageBit::kTouched, from, to, [&](uint64_t address) { gone.push_back(address); });
  };
  const uint64_t known_to = scan_shared(process.pagemap.get(), start, end, [&](uint64_t from, uint64_t to) {
    absent(seen_until, from);
    seen_until = to;
    process.pages.for_each_unseen(from, to, [&](uint64_t fresh, uint64_t fresh_end) {
      for (; fresh < fresh_end; fresh += kPage) {
        process.pages.touch(fresh);
        if (object.held(fresh + delta)) continue;
        object.hold(process.pid, fresh + delta);
        if (fresh != run_end) {
          flush();
          run = fresh;
        }
        run_end = fresh + kPage;
      }
    });
  });
  flush();
  absent(seen_until, known_to);
  const Sharers sharers = gone.empty() ? Sharers() : sharers_of(area->object, process);
  for (const uint64_t address : gone) {
    process.pages.set(PageBit::kTouched, address, false);
    if (!object.held_by(process.pid, address + delta)) continue;
    feed_simple(process, trace::EventKind::kAdviseDontneed, address, kPage);
    hand_over(process, area->object, address + delta, sharers);
  }
  count_shared(process);
  note_tracked(process);
}

/// How much of what is counted for the process is shared memory.
void Session::count_shared(Process& process) {
  process.shared_known_pages = 0;
  for (const auto& [start, area] : process.map.areas())
    if (area.shared) process.shared_known_pages += process.pages.count(PageBit::kTouched, area.start, area.end);
}

/// Who else maps the object, and where. A database's server has thousands of its pages and a hundred mappings: looked up once.
Session::Sharers Session::sharers_of(uint64_t object_id, const Process& but) {
  Sharers sharers;
  for (const auto& [pid, other] : processes_) {
    if (other.get() == &but || !other->maps_shared_memory) continue;
    for (const auto& [start, area] : other->map.areas())
      if (area.shared && area.object == object_id) sharers.emplace_back(other.get(), area);
  }
  return sharers;
}

/// The process has no part in the page any more: another one that maps it answers for it from now on.
void Session::hand_over(Process& process, uint64_t object_id, uint64_t offset, const Sharers& sharers) {
  SharedObject& object = objects_[object_id];
  object.let_go(process.pid, offset);
  if (object.held(offset)) return;
  for (const auto& [other, area] : sharers) {
    const uint64_t address = offset - area.offset_delta;
    if (address < area.start || address >= area.end || !other->pages.test(PageBit::kTouched, address)) continue;
    object.hold(other->pid, offset);
    feed_simple(*other, trace::EventKind::kTouch, address, kPage, 0, trace::kWrite | trace::kPresent);
    return;
  }
}

/// After the mapping has gone from the sink's view: by munmap, exec or exit.
void Session::release_shared(Process& process, const Area& area) {
  if (!area.shared) return;
  std::vector<uint64_t> held;
  process.pages.for_each(PageBit::kTouched, area.start, area.end, [&](uint64_t address) {
    if (objects_[area.object].held_by(process.pid, address + area.offset_delta)) held.push_back(address + area.offset_delta);
  });
  const Sharers sharers = held.empty() ? Sharers() : sharers_of(area.object, process);
  for (const uint64_t offset : held) hand_over(process, area.object, offset, sharers);
  if (objects_[area.object].empty()) objects_.erase(area.object);
}

void Session::release_all_shared(Process& process) {
  std::vector<Area> areas;
  for (const auto& [start, area] : process.map.areas())
    if (area.shared) areas.push_back(area);
  for (const Area& area : areas) release_shared(process, area);
}

}  // namespace oomcast::record
