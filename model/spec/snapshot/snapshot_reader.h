// State shared by the readers of a snapshot's files: what was read, what was missing, what has gone wrong.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "model/spec/snapshot/read_snapshot.h"

namespace oomcast::host {

/// Files that the output of a command stands in for -> that output and the line there.
using PrintedIn = std::map<std::string, std::pair<std::string, int>>;
const std::vector<std::string>& sysctl_outputs();  // paths in a sosreport
const std::vector<std::string>& uname_outputs();
const std::vector<std::string>& kernel_logs();
const std::vector<std::string>& ps_outputs();
/// Adds files that are missing and whose content such an output has.
PrintedIn add_command_outputs(SnapshotFiles& files);

/// The first failure wins: readers go on with defaults after it, and parse_snapshot() returns it at the end.
struct SnapshotReader {
  explicit SnapshotReader(const SnapshotFiles& snapshot_files) : files(snapshot_files) {}

  const SnapshotFiles& files;
  PrintedIn printed_in;
  HostSpec spec;
  std::optional<Error> error;
  std::map<std::string, std::string> places;  // field of the host -> "FILE:LINE", for contradictions found later
  std::vector<int> node_ids_seen;             // every node that zoneinfo names, with memory or without
  std::map<int, std::set<std::string>>
      node_counters_printed;            // by node id: names that zoneinfo prints, in node or zone
  std::set<int> nodes_with_zone_lists;  // node ids whose zones say what is on their lists
  bool kernel_known = false;            // the snapshot says which kernel it is of

  const std::string* text(const std::string& path) const {
    const auto found = files.files.find(path);
    return found == files.files.end() ? nullptr : &found->second;
  }
  /// Of a file as a whole, be it there or not.
  std::string place(const std::string& path) const {
    return files.root.empty() ? path : files.root + (files.first_lines.empty() ? "/" : ": ") + path;
  }
  std::string place(const std::string& path, int line) const {
    const auto printed = printed_in.find(path);
    if (printed != printed_in.end()) return place(printed->second.first, printed->second.second);
    const auto packed = files.first_lines.find(path);
    if (packed != files.first_lines.end()) {
      return files.root + ":" + std::to_string(packed->second + line - 1) + ": " + path;
    }
    return place(path) + ":" + std::to_string(line);
  }
  void fail(const std::string& path, int line, const std::string& message) {
    if (!error) error = Error{place(path, line) + ": " + message};
  }
  void assume(const std::string& field, const std::string& value, const std::string& why) {
    spec.assumed.push_back(field + ": " + value + " (" + why + ")");
  }
  /// The only line of a one-number file such as a sysctl; nullopt with or without an error (file missing).
  std::optional<int64_t> number_file(const std::string& path, int64_t min, int64_t max);
};

void read_kernel_version(SnapshotReader& reader);  // version, or uname's output
void read_zoneinfo(SnapshotReader& reader);
void check_page_size(SnapshotReader& reader);       // refuses pages of another size than 4 KiB
void settle_node_counters(SnapshotReader& reader);  // meminfo for what zoneinfo does not print
void read_buddyinfo(SnapshotReader& reader);
void read_pagetypeinfo(SnapshotReader& reader);
void read_machine(SnapshotReader& reader);   // cpuinfo, meminfo
void read_topology(SnapshotReader& reader);  // sys/devices/system/node
void read_swaps(SnapshotReader& reader);
void read_processes(SnapshotReader& reader);
/// For processes of which only the sum of resident pages is known, in rss_anon: if these sums exceed the host's
/// anonymous memory, each is divided into anonymous and file pages by the same share.
void divide_resident(HostSpec& spec);
void read_ps(SnapshotReader& reader);            // processes where there is no proc/PID/status
void read_settings(SnapshotReader& reader);      // proc/sys, transparent_hugepage, lru_gen
void read_file_systems(SnapshotReader& reader);  // mounts, slabinfo, vmstat: the block size
void read_tmpfs(SnapshotReader& reader);         // mounts: what file systems in memory hold
void read_vfs_cache(SnapshotReader& reader);     // sys/fs/{dentry-state,inode-nr}, slabinfo: what slab shrinkers get at
void read_cgroups(SnapshotReader& reader);       // sys/fs/cgroup
void read_calibration(SnapshotReader& reader);
void read_zswap(SnapshotReader& reader);  // REQUIRES: the calibration is known

}  // namespace oomcast::host
