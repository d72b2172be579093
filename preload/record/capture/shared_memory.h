// Follows what of a process's memory is shared with others: shared anonymous mappings, memfds, tmpfs files, System V
// segments.
//
// Each is a file to the sink, its pages are one set whoever maps them; which pages a process maps is polled. When a
// file has neither a name nor anybody who maps it or has it open, its pages are free: the kernel sends no event,
// so it is checked whenever something was unmapped, closed or unlinked, and every now and then.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "preload/record/capture/event_feed.h"
#include "preload/record/capture/memory_file.h"
#include "preload/record/capture/resident_meter.h"
#include "preload/record/capture/scan_planner.h"
#include "preload/record/guest/process_table.h"

namespace oomcast::record {

class SharedMemory {
 public:
  SharedMemory(ProcessTable& processes, EventFeed& feed, ResidentMeter& meter, const ScanPlanner& planner,
               const Clocks& clocks)
      : processes_(processes), feed_(feed), meter_(meter), planner_(planner), clocks_(clocks) {}

  bool is_shared_memory(const Vma& vma);
  void report_new_file(Process& process, uint64_t device, uint64_t inode, const std::string& shown);
  void take_note(Process& process, const trace::Event& note);
  void learn_descriptor(Process& process, int number);
  /// The file with this number is memory, and the sink knows it.
  bool holds(uint64_t file) const { return files_.contains(file); }
  bool empty() const { return files_.empty(); }

  void reconcile(Process& process, uint64_t start, uint64_t end);
  void scan(Process& process);
  static void forget_pages(Process& process, const Area& area, uint64_t start, uint64_t end);
  void forget_cut(const trace::Event& note);
  void release(Process& process, const std::vector<Area>& areas, bool leaving);
  /// Reports the files that have ended. `leaving` has neither mappings nor descriptors any more; null: no process
  /// leaves.
  void settle_all(Process& process, const Process* leaving);
  void settle_if_due(Process& process, uint64_t now_ns);
  /// The process has ended. Of many files not each time.
  void settle_after_end(Process& process);

 private:
  enum class DeviceKind : uint8_t { kOther, kShmem, kRamfs };
  using MemoryFiles = std::map<uint64_t, MemoryFile>;
  DeviceKind device_kind(uint64_t device, const std::string& path);
  uint64_t mount_of(Process& process, uint64_t device, const std::string& path);
  void report_mount(Process& process, const std::string& path, uint64_t number);
  void report_file(Process& process, uint64_t id, const MemoryFile& file);
  bool still_named(MemoryFile& file);
  bool still_used(uint64_t id, const MemoryFile& file, const Process* leaving);
  MemoryFiles::iterator settle(Process& process, MemoryFiles::iterator at, const Process* leaving);

  ProcessTable& processes_;
  EventFeed& feed_;
  ResidentMeter& meter_;
  const ScanPlanner& planner_;
  const Clocks& clocks_;
  MemoryFiles files_;                                                    // by file number
  std::unordered_map<uint64_t, DeviceKind> devices_;                     // by st_dev
  std::unordered_map<uint64_t, std::vector<std::string>> mount_points_;  // by st_dev
  std::map<std::string, uint64_t> mounts_;                               // their numbers, counted from 1
  uint64_t next_settle_ns_ = 0;
};

}  // namespace oomcast::record
