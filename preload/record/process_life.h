// ProcessLife: adds processes at a hello, a fork or an exec, finds children that never say hello, and drops processes
// that have ended.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "preload/record/rooms.h"
#include "preload/record/server/event_loop.h"
#include "preload/ring/protocol.h"

namespace oomcast::record {

class ProcessLife {
 public:
  /// `socket_name`: the environment of every process of the run contains it.
  ProcessLife(Rooms& rooms, EventLoop& loop, const std::string& socket_name)
      : rooms_(rooms), loop_(loop), socket_name_(socket_name) {}

  Process& add(uint32_t pid, uint32_t parent, uint64_t inherited_pages = 0);
  /// The process that says hello, added if it is not known, with the program that it runs now.
  Process& process_of_hello(uint32_t pid, const ring::Request& hello);
  void begin_other_program(Process& process);
  void drop(uint32_t pid);
  void inherit_from(Process& child, Process& parent);
  static void inherit_open_files(Process& child, const Process& parent);
  void catch_up_before_fork(Process& parent);

  /// A process without an address space is checked again after this: it has ended, or runs another program.
  static constexpr uint64_t kMemoryGoneGraceNs = 5'000'000;
  bool lives_on(Process& process, uint64_t now_ns);
  int wait_status_of(const Process& process) const;

  // Children without a hello (children.cc).
  /// Adds children that have existed for some ticks of 20 ms without a hello. `ticks`: since the start of the run.
  void discover_children(uint64_t ticks);
  void add_children_without_descriptor();
  void add_pending_children(Process& parent);
  /// Adds the descendants of a process that ran before the recorder, and all processes that are or will be in the
  /// cgroup at this directory (empty: none).
  void add_running_relatives(Process& root, const std::string& cgroup);
  /// Names of the processes that still run at the end of the recording, unknown ones included.
  std::vector<std::string> still_running() const;

 private:
  Process& add_forked(uint32_t pid, uint32_t said_parent);
  Process& add_spawned(uint32_t pid, uint32_t said_parent);
  void forget_address_space(Process& process);
  void keep_counts_of(Process& process);
  void note_seen_from_outside(const Process& process);
  Process* add_child_without_hello(uint32_t pid, Process& parent);
  void add_running_descendants(Process& ancestor);
  void add_members_of_cgroup();
  static bool is_copy_of(const Process& child, const Process& parent);

  Rooms& rooms_;
  EventLoop& loop_;
  const std::string& socket_name_;
  std::string cgroup_;  // directory of a cgroup whose processes are all watched; empty: none
  std::unordered_map<uint32_t, uint64_t> children_without_hello_;  // pid -> tick when first seen, or kNotOurs
};

}  // namespace oomcast::record
