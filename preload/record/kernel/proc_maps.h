// Reads what is mapped (/proc/PID/maps, PROCMAP_QUERY), and the numbers in statm and stat. For pages see page_scan.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "preload/record/kernel/kernel_text.h"
#include "preload/record/kernel/pages.h"

namespace oomcast::record {

/// Name that the recorder gives to the mappings of a stash, which /proc shows as memory of the program.
inline constexpr const char* kStashName = "[oomcast-stash]";

struct Vma {
  uint64_t start = 0;
  uint64_t end = 0;
  uint64_t file_offset = 0;
  uint64_t inode = 0;
  uint64_t device = 0;  // in the form of st_dev
  bool readable = false, writable = false, executable = false, shared = false;
  std::string name;          // path, [heap], [stack], [anon:...] or empty
  bool locked = false;       // the program used MAP_LOCKED; not from /proc
  bool one_request = false;  // the program made just this mapping; not from /proc, where adjacent mappings are merged

  bool operator==(const Vma&) const = default;
  bool special() const {
    return name == "[vdso]" || name == "[vvar]" || name == "[vvar_vclock]" || name == "[vsyscall]" ||
           name == "[uprobes]" || name == kStashName || huge();
  }
  /// hugetlb memory: its pages come from a pool of their own.
  bool huge() const { return name == "/anon_hugepage (deleted)" || name.starts_with("/memfd:hugetlb"); }
  bool heap() const { return name == "[heap]"; }
  bool anonymous() const { return !shared && inode == 0 && !special() && (name.empty() || name[0] == '['); }
};

/// Parses the text of a maps file. Skips malformed lines.
std::vector<Vma> parse_maps(const std::string& text);
/// The locked mappings ("lo" in VmFlags) in the text of a smaps file; adjacent ones are one range.
std::vector<PageRange> locked_ranges(const std::string& smaps);
/// Reads and parses /proc/PID/maps through an open descriptor; empty: the address space is gone.
std::vector<Vma> read_maps(int maps_fd);
/// Looks up the mapping that contains `address`, by PROCMAP_QUERY or in the text of maps. False: there is none.
bool query_map(int maps_fd, uint64_t address, Vma* out);

/// Field `field` of a /proc/PID/stat text, numbered from 1 as in proc(5). REQUIRES: a numeric field from the third on.
std::optional<uint64_t> stat_field(const std::string& stat, int field);
/// State of the task in a /proc/PID/stat text: 'R', 'S', 'Z', ...; 0: malformed.
char stat_state(const std::string& stat);
/// Parent's pid from /proc/PID/stat; absent: there is no such process.
std::optional<uint32_t> parent_of(uint32_t pid);

/// The pids in the text of /proc/PID/task/TID/children or of cgroup.procs.
std::vector<uint32_t> pids_in(const std::string& text);

/// Counts of /proc/PID/statm: own_pages is RssAnon, shared_pages is RssFile + RssShmem. `known` is false for no text.
struct Resident {
  bool known = false;
  uint64_t size_pages = 0, own_pages = 0, shared_pages = 0, data_pages = 0;
};
Resident resident_of(const std::string& statm);

/// Tried once, with this process's own mappings.
bool kernel_has_procmap_query();
/// Tries with this process's memory whether /proc/PID/statm counts each page at once (since Linux 6.16). Before, counts
/// are kept per CPU and lag behind.
bool kernel_counts_exactly();

/// The whole content of a /proc file; empty if it cannot be read.
std::string read_whole(int fd);
std::string read_whole_path(const std::string& path);
/// Whether a mapping of the process is of a file with this inode number, on whatever device. False: it has ended.
bool maps_inode(uint32_t pid, uint64_t inode);
/// The same for files of less than 512 bytes that the kernel writes in one piece (statm, comm, io, ...): one read.
std::string read_line(int fd);
std::string read_line_of(const std::string& path);

}  // namespace oomcast::record
