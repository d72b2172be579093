// DeletedFiles: reports files on disks that are deleted. See deleted_files.h.
#include "preload/record/capture/deleted_files.h"

#include <sys/stat.h>

#include <algorithm>
#include <string>

#include "preload/record/kernel/kernel_text.h"
#include "preload/record/kernel/proc_file.h"
#include "preload/record/kernel/proc_maps.h"
#include "preload/ring/file_notes.h"

namespace oomcast::record {
namespace {

constexpr uint64_t kCheckNs = 100'000'000;  // interval between two checks of files that are still held
constexpr uint64_t kCostShare = 50;         // the next check waits this many times as long as the last one took

void add_nameless(uint32_t pid, std::set<uint64_t>* open) {
  const std::string directory = proc_of(pid) + "fd";
  for (const uint32_t number : numbers_in_directory(directory)) {
    struct stat status {};
    if (::stat((directory + "/" + std::to_string(number)).c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
        status.st_nlink == 0)
      open->insert(ring::file_id(status.st_dev, status.st_ino));
  }
}

}  // namespace

void DeletedFiles::take_note(Process& process, const trace::Event& note) {
  // Memory files have no other home: SharedMemory follows them. An open file is used after this note.
  if (shared_memory_.holds(note.address) || (!used_.contains(note.address) && !ring::is_open_without_name(note)))
    return;
  nameless_[note.address] = note.argument;
  has_news_ = true;
  if (clocks_.now_ns() >= next_settle_ns_) settle(process);
}

void DeletedFiles::before_first_use(Process& process, uint64_t file) {
  if (nameless_.contains(file)) settle(process);
}

void DeletedFiles::settle_if_due(uint64_t now_ns) {
  if (nameless_.empty() || processes_.empty() || now_ns < (has_news_ ? next_settle_ns_ : next_check_ns_)) return;
  settle(*processes_.begin()->second);
}

void DeletedFiles::settle(Process& process) {
  const uint64_t cpu_began = clocks_.cpu_ns();
  const std::set<uint64_t> open = open_without_name();
  std::erase_if(nameless_, [&](const auto& nameless) {
    const auto& [file, inode] = nameless;
    if (open.contains(file) || is_mapped(inode)) return false;
    if (used_.erase(file) != 0) feed_.report(process, trace::EventKind::kFileTruncate, file, 0);
    return true;
  });
  has_news_ = false;
  const uint64_t pause_ns = (clocks_.cpu_ns() - cpu_began) * kCostShare;
  next_settle_ns_ = clocks_.now_ns() + pause_ns;
  next_check_ns_ = clocks_.now_ns() + std::max(kCheckNs, pause_ns);
}

/// The numbers of all files without a name that the processes have open.
std::set<uint64_t> DeletedFiles::open_without_name() const {
  std::set<uint64_t> open;
  for (const auto& [pid, process] : processes_) {
    add_nameless(pid, &open);
    for (const auto& [child, known] : process->forks.pending_children) add_nameless(child, &open);
  }
  return open;
}

bool DeletedFiles::is_mapped(uint64_t inode) const {
  return std::ranges::any_of(processes_, [inode](const auto& entry) {
    const auto& children = entry.second->forks.pending_children;
    return maps_inode(entry.first, inode) ||
           std::ranges::any_of(children, [inode](const auto& child) { return maps_inode(child.first, inode); });
  });
}

}  // namespace oomcast::record
