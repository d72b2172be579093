// ProcessTable: the known processes of the run, by pid.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>

#include "preload/record/guest/guest_process.h"

namespace oomcast::record {

/// The process whose end is the end of the run.
struct Root {
  uint32_t pid = 0;
  bool is_child = false;  // of the recorder
  bool ended = false;
  uint64_t ended_ns = 0;
};

class ProcessTable {
 public:
  using Map = std::map<uint32_t, std::unique_ptr<Process>>;

  Process* find(uint32_t pid) const {
    const auto at = processes_.find(pid);
    return at == processes_.end() ? nullptr : at->second.get();
  }
  /// Adds the process, in place of one with the same pid.
  Process& add(std::unique_ptr<Process> process) {
    std::unique_ptr<Process>& place = processes_[process->pid];
    place = std::move(process);
    return *place;
  }
  void erase(uint32_t pid) { processes_.erase(pid); }
  bool empty() const { return processes_.empty(); }
  size_t size() const { return processes_.size(); }

  /// In order of their pids.
  Map::const_iterator begin() const { return processes_.begin(); }
  Map::const_iterator end() const { return processes_.end(); }
  /// The first process with a higher pid: for loops in which processes may come and go.
  Map::const_iterator upper_bound(uint32_t pid) const { return processes_.upper_bound(pid); }

  Root root;

 private:
  Map processes_;
};

}  // namespace oomcast::record
