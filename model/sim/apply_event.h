// Applies one event of the program to the host. Turns trace events into memory management, in the task's fiber.
#pragma once

#include <map>
#include <string>

#include "model/mm/kernel.h"
#include "model/sim/file_table.h"
#include "model/sim/mount_table.h"
#include "model/sim/outcome.h"
#include "model/sim/simulation.h"
#include "model/sim/task.h"

namespace oomcast::sim {

class EventApplier {
 public:
  EventApplier(mm::Kernel& kernel, const Options& options)
      : k_(kernel),
        options_(options),
        files_(kernel.host),
        programs_in_memory_(host::root_in_memory(kernel.host.spec)) {}

  /// Runs inside the fiber of the task; may stall it.
  void apply(const trace::Event& event, host::ProcessIndex process);
  /// The guest process with this pid that lives now, created if no event has started it.
  host::ProcessIndex process_of(uint32_t pid, uint32_t parent_pid);
  /// Whose processes those are that begin from now on, as Process::service; a child is its parent's.
  void begin_service(uint8_t service) { service_ = service; }
  /// The target does not fork this child: what it does is left out.
  void never_born(uint32_t pid, uint32_t parent_pid);
  /// The process has ended: its pid may be used again.
  void forget(uint32_t pid) { by_pid_.erase(pid); }
  /// The file that events call `id`. It may be forgotten once nothing of it is cached, unless `keep`.
  host::FileIndex file_of(uint64_t id, bool keep = false);
  MountTable& mounts() { return mounts_; }
  const FileTable& files() const { return files_; }
  const AppPeaks& peaks() const { return peaks_; }
  const LeftOut& left_out() const { return left_out_; }
  uint64_t lost_events() const { return lost_events_; }
  void note_peaks(host::Process& process);

  /// Memory grows between events, too, where khugepaged works.
  void note_peaks();

 private:
  const Placement& place_of(uint8_t service) const {
    return service == 0 ? static_cast<const Placement&>(options_) : options_.services[service - 1];
  }
  void dispatch(const trace::Event& event, host::ProcessIndex process);
  bool can_be_numbered(const trace::Event& event);
  bool in_file_without_pages(host::ProcessIndex process, uint64_t address) const;
  void touch(const trace::Event& event, host::ProcessIndex process);
  void touch_pages(const trace::Event& event, host::ProcessIndex process);
  static constexpr uint64_t kPagesPerPoint = 4, kPagesAtOnce = 64;
  static bool is_point(uint64_t first, uint64_t vpn);
  uint64_t touch_at_once(host::ProcessIndex process, uint64_t vpn, uint64_t first, uint64_t last);
  void map(const trace::Event& event, host::ProcessIndex process);
  void map_file(const trace::Event& event, host::ProcessIndex process);
  void protect(const trace::Event& event, host::ProcessIndex process);
  void remap(const trace::Event& event, host::ProcessIndex process);
  void begin_task(host::ProcessIndex process);
  void end_thread(host::ProcessIndex process);
  void fork(const trace::Event& event, host::ProcessIndex process);
  bool dup_accounted(host::ProcessIndex parent);
  void exec(host::ProcessIndex process);
  void file_in_memory(const trace::Event& event, host::ProcessIndex process);
  void file_io(const trace::Event& event, host::ProcessIndex process);
  void limit(const trace::Event& event, host::ProcessIndex process);
  bool granted(host::ProcessIndex process, uint64_t start, uint64_t bytes, bool accountable, bool data);
  bool skip_refused(host::ProcessIndex process, uint64_t& vpn) const;

  mm::Kernel& k_;
  const Options& options_;
  AppPeaks peaks_;
  LeftOut left_out_;
  uint64_t lost_events_ = 0;
  uint8_t service_ = 0;
  FileTable files_;
  MountTable mounts_;
  const bool programs_in_memory_;  // of the root file system: their text never leaves
  std::map<uint32_t, host::ProcessIndex> by_pid_;
  int applying_ = 0;  // events that are not through
  std::map<host::ProcessIndex, std::map<uint64_t, uint64_t>>
      refused_;  // start -> end of mappings that the target would not grant
};

}  // namespace oomcast::sim
