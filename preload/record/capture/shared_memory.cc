// Follows what of a process's memory is shared with others: shared anonymous mappings, memfds, tmpfs files, System V
// segments.
//
// Each is a file to the sink, its pages are one set whoever maps them; which pages a process maps is polled. When a
// file has neither a name nor anybody who maps it or has it open, its pages are free: the kernel sends no event,
// so it is checked whenever something was unmapped, closed or unlinked, and every now and then.
#include "preload/record/capture/shared_memory.h"

#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdlib>

#include "model/trace/mount_path.h"
#include "preload/record/kernel/mount_info.h"
#include "preload/record/kernel/page_scan.h"
#include "preload/record/kernel/pages.h"
#include "preload/record/kernel/proc_file.h"
#include "preload/record/kernel/sealed_memory.h"
#include "preload/ring/file_notes.h"

namespace oomcast::record {
namespace {

constexpr uint64_t kSettleNs = 100'000'000, kSettleShare = 50;  // of the time, what it takes

/// The kernel's own mount, where memfds, System V segments and shared anonymous memory live.
uint64_t internal_shmem_device() {
  static const uint64_t device = [] {
    UniqueFd fd(::memfd_create("oomcast", MFD_CLOEXEC));
    struct stat status {};
    return fd && ::fstat(fd.get(), &status) == 0 ? static_cast<uint64_t>(status.st_dev) : 0;
  }();
  return device;
}

std::string link_target(const std::string& link) {
  char target[PATH_MAX];
  const ssize_t bytes = ::readlink(link.c_str(), target, sizeof target);
  return bytes > 0 ? std::string(target, static_cast<size_t>(bytes)) : std::string();
}

bool is_file(const std::string& path, const MemoryFile& file) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && status.st_dev == file.device && status.st_ino == file.inode;
}

bool has_open(uint32_t pid, const MemoryFile& file) {
  const std::string path = proc_of(pid) + "fd";
  return std::ranges::any_of(numbers_in_directory(path),
                             [&](uint32_t number) { return is_file(path + "/" + std::to_string(number), file); });
}

}  // namespace

bool lists_segment(std::string_view table, uint64_t id) {
  for (size_t line = table.find('\n'); line != std::string_view::npos && line + 1 < table.size();
       line = table.find('\n', line + 1)) {
    const char* field = table.data() + line + 1;
    char* end = nullptr;
    std::strtoll(field, &end, 10);  // the key
    if (end != field && std::strtoull(end, nullptr, 10) == id) return true;
  }
  return false;
}

/// `path` is anything that leads to a file there.
SharedMemory::DeviceKind SharedMemory::device_kind(uint64_t device, const std::string& path) {
  if (device == internal_shmem_device()) return DeviceKind::kShmem;
  const auto [at, is_new] = devices_.try_emplace(device, DeviceKind::kOther);
  if (!is_new) return at->second;
  struct statfs system {};
  if (::statfs(path.c_str(), &system) == 0)
    at->second = system.f_type == TMPFS_MAGIC                               ? DeviceKind::kShmem
                 : static_cast<unsigned long>(system.f_type) == RAMFS_MAGIC ? DeviceKind::kRamfs
                                                                            : DeviceKind::kOther;
  else if (path.starts_with("/dev/shm/"))
    at->second = DeviceKind::kShmem;
  return at->second;
}

bool SharedMemory::is_shared_memory(const Vma& vma) {
  if (!vma.shared || vma.inode == 0 || vma.name.starts_with(kRingName)) return false;
  return device_kind(vma.device, vma.name) != DeviceKind::kOther;
}

/// Once for each file, before anything else is reported of it. `shown`: its name as /proc has it.
void SharedMemory::report_new_file(Process& process, uint64_t device, uint64_t inode, const std::string& shown) {
  const auto [at, is_new] = files_.try_emplace(ring::file_id(device, inode));
  if (!is_new) return;
  MemoryFile& file = at->second;
  file = {device, inode, {}, named_by(shown), device_kind(device, shown) == DeviceKind::kRamfs};
  if (file.named_by == NamedBy::kPath) file.path = shown;
  if (!file.for_good) file.mount = mount_of(process, device, shown);
  report_file(process, at->first, file);
}

void SharedMemory::report_file(Process& process, uint64_t id, const MemoryFile& file) {
  const int flags =
      (file.for_good ? trace::kUnevictable : 0) | (file.named_by == NamedBy::kNobody ? trace::kNameless : 0);
  feed_.report(process, trace::EventKind::kFileInMemory, id, 0, file.mount, static_cast<uint8_t>(flags));
}

/// What tmpfs limits is a mount; the kernel's own one has no limit. A path that was looked up in another mount
/// namespace lies under none of the points known so far.
uint64_t SharedMemory::mount_of(Process& process, uint64_t device, const std::string& path) {
  if (device == internal_shmem_device()) return 0;
  std::vector<std::string>& points = mount_points_[device];
  std::string point = mount_point_above(points, path);
  if (point.empty()) {
    const auto here = mount_points_of(read_whole_path(proc_of(process.pid) + "mountinfo"), device);
    if (!here.empty()) points = here;
    point = mount_point_above(points, path);
    if (point.empty() && !points.empty()) point = points.front();
  }
  if (point.empty()) return 0;
  const auto [at, is_new] = mounts_.try_emplace(point, mounts_.size() + 1);
  if (is_new) report_mount(process, point, at->second);
  return at->second;
}

void SharedMemory::report_mount(Process& process, const std::string& path, uint64_t number) {
  for (size_t at = 0; at < path.size(); at += trace::kMountPiece) {
    const auto [first, second] = trace::mount_words(std::string_view(path).substr(at));
    feed_.report(process, trace::EventKind::kMount, first, second, number);
  }
}

/// A hook has met a descriptor of such a file, or has closed one or taken a name away. The ring is the guest's memory:
/// what it says is checked.
void SharedMemory::take_note(Process& process, const trace::Event& note) {
  if ((note.flags & ring::kMayBeGone) != 0) {
    // A build on a tmpfs has thousands of files and unlinks each: they are gone through every now and then.
    if (note.address == 0 && files_.size() <= kFewFiles)
      settle_all(process, nullptr);
    else if (const auto at = files_.find(note.address); at != files_.end())
      settle(process, at, nullptr);
    return;
  }
  if (files_.contains(note.address)) return;
  const std::string link = proc_of(process.pid) + "fd/" + std::to_string(note.bytes);
  struct stat status {};
  if (::stat(link.c_str(), &status) != 0 || ring::file_id(status.st_dev, status.st_ino) != note.address) return;
  if (device_kind(status.st_dev, link) != DeviceKind::kOther)
    report_new_file(process, status.st_dev, status.st_ino, link_target(link));
}

/// A descriptor that no hook has reported.
void SharedMemory::learn_descriptor(Process& process, int number) {
  const std::string link = proc_of(process.pid) + "fd/" + std::to_string(number);
  struct stat status {};
  if (::stat(link.c_str(), &status) != 0 || device_kind(status.st_dev, link) == DeviceKind::kOther) return;
  report_new_file(process, status.st_dev, status.st_ino, link_target(link));
}

/// `leaving` has neither mappings nor descriptors any more.
bool SharedMemory::still_named(MemoryFile& file) {
  if (file.named_by == NamedBy::kSegment) return lists_segment(read_whole_path("/proc/sysvipc/shm"), file.inode);
  if (file.named_by == NamedBy::kNobody) return false;
  if (is_file(file.path, file)) return true;
  // In another mount namespace: by the root of any guest.
  return std::ranges::any_of(
      processes_, [&](const auto& entry) { return is_file(proc_of(entry.first) + "root" + file.path, file); });
}

bool SharedMemory::still_used(uint64_t id, const MemoryFile& file, const Process* leaving) {
  return std::ranges::any_of(processes_, [&](const auto& entry) {
    const Process& process = *entry.second;
    if (&process == leaving) return false;
    const bool maps = std::ranges::any_of(
        process.map.areas(), [id](const auto& area) { return area.second.shared && area.second.object == id; });
    if (maps || has_open(process.pid, file) || maps_inode(process.pid, file.inode)) return true;
    // Its children that have not said hello are not known yet, what they have of it is their own.
    return std::ranges::any_of(process.forks.pending_children, [&](const auto& pending_child) {
      return has_open(pending_child.first, file) || maps_inode(pending_child.first, file.inode);
    });
  });
}

SharedMemory::MemoryFiles::iterator SharedMemory::settle(Process& process, MemoryFiles::iterator at,
                                                         const Process* leaving) {
  auto& [id, file] = *at;
  if (still_named(file)) return std::next(at);
  if (!still_used(id, file, leaving)) {
    feed_.report(process, trace::EventKind::kFileTruncate, id, 0);
    return files_.erase(at);
  }
  if (file.named_by != NamedBy::kNobody) {
    file.named_by = NamedBy::kNobody;
    report_file(process, id, file);
  }
  return std::next(at);
}

void SharedMemory::settle_all(Process& process, const Process* leaving) {
  const uint64_t cpu_began = clocks_.cpu_ns();
  for (auto at = files_.begin(); at != files_.end();) at = settle(process, at, leaving);
  next_settle_ns_ = clocks_.now_ns() + std::max(kSettleNs, (clocks_.cpu_ns() - cpu_began) * kSettleShare);
}

/// Compares what is mapped of the file with what is known for this process, and feeds what is news to the sink.
void SharedMemory::reconcile(Process& process, uint64_t start, uint64_t end) {
  const Area* area = process.map.find(start);
  if (area == nullptr || !area->shared) return;
  std::vector<PageRange> gone;
  uint64_t seen_until = start;
  const auto absent = [&](uint64_t from, uint64_t to) {
    if (from >= to) return;
    process.pages.for_each(PageBit::kTouched, from, to, [&](uint64_t address) {
      if (!gone.empty() && gone.back().second == address)
        gone.back().second += kPage;
      else
        gone.emplace_back(address, address + kPage);
    });
  };
  std::vector<PageRange> fresh;
  const uint64_t known_to = process.memory->scan(ScanKind::kShared, start, end, [&](uint64_t from, uint64_t to) {
    absent(seen_until, from);
    seen_until = to;
    process.pages.for_each_unseen(from, to, [&](uint64_t first, uint64_t last) { fresh.emplace_back(first, last); });
  });
  absent(seen_until, known_to);
  for (const auto& [from, to] : fresh) {
    process.pages.touch(from, to);
    process.resident.shared_known_pages += (to - from) / kPage;
    feed_.report(process, trace::EventKind::kTouch, from, to - from, 0, trace::kWrite | trace::kPresent);
  }
  // Out of this page table, and still the file's.
  for (const auto& [from, to] : gone) {
    forget_pages(process, *area, from, to);
    feed_.report(process, trace::EventKind::kAdviseDontneed, from, to - from);
  }
  meter_.update(process);
}

/// Forgets the pages of [start, end), which lies in the area, and counts them no more where they are shared memory.
void SharedMemory::forget_pages(Process& process, const Area& area, uint64_t start, uint64_t end) {
  if (area.shared)
    process.resident.shared_known_pages -=
        std::min(process.resident.shared_known_pages, process.pages.count(PageBit::kTouched, start, end));
  process.pages.clear(start, end);
}

/// Whoever uses that part of the file again gives it new pages.
void SharedMemory::forget_cut(const trace::Event& note) {
  const uint64_t from = page_up(note.argument), to = note.kind == trace::EventKind::kFilePunch
                                                         ? page_down(note.argument + note.bytes)
                                                         : ~uint64_t{0} & ~(kPage - 1);
  for (auto& [pid, process] : processes_) {
    for (const auto& [start, area] : process->map.areas()) {
      if (!area.shared || area.object != note.address) continue;
      const uint64_t first = start + area.offset_delta, last = area.end + area.offset_delta;
      const uint64_t cut_first = std::max(first, from), cut_last = std::min(last, to);
      if (cut_first < cut_last)
        forget_pages(*process, area, cut_first - area.offset_delta, cut_last - area.offset_delta);
    }
    meter_.update(*process);
  }
}

/// The process maps this no more: by munmap, exec or exit. `leaving`: it has no descriptors either.
void SharedMemory::release(Process& process, const std::vector<Area>& areas, bool leaving) {
  for (const Area& area : areas) {
    if (!area.shared) continue;
    if (const auto at = files_.find(area.object); at != files_.end()) settle(process, at, leaving ? &process : nullptr);
  }
}

void SharedMemory::scan(Process& process) {
  const uint64_t cpu_began = clocks_.cpu_ns();
  process.scans.shared_bytes = process.resident.shared_bytes;
  std::vector<PageRange> shared;
  for (const auto& [start, area] : process.map.areas())
    if (area.shared) shared.emplace_back(area.start, area.end);
  for (const auto& [start, end] : shared) reconcile(process, start, end);
  process.scans.next_shared_ns = planner_.rest_in_polling_phase(process, cpu_began);
}

void SharedMemory::settle_if_due(Process& process, uint64_t now_ns) {
  if (!files_.empty() && now_ns >= next_settle_ns_) settle_all(process, nullptr);
}

void SharedMemory::settle_after_end(Process& process) {
  if (files_.size() <= kFewFiles) {
    if (!files_.empty()) settle_all(process, &process);
  } else if (clocks_.now_ns() >= next_settle_ns_) {
    settle_all(process, &process);
  }
}

}  // namespace oomcast::record
