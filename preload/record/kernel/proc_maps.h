// What the kernel says is mapped (/proc/PID/maps, PROCMAP_QUERY), and the numbers in statm and stat. Pages:
// page_scan.h.
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

/// What the recorder calls the mappings of a stash, which /proc shows as memory of the program.
inline constexpr const char* kStashName = "[oomcast-stash]";

struct Vma {
  uint64_t start = 0;
  uint64_t end = 0;
  uint64_t file_offset = 0;
  uint64_t inode = 0;
  uint64_t device = 0;  // as in st_dev
  bool readable = false, writable = false, executable = false, shared = false;
  std::string name;          // path, [heap], [stack], [anon:...] or empty
  bool locked = false;       // MAP_LOCKED was asked for; /proc does not show it here
  bool one_request = false;  // not by /proc, which shows what lies side by side as one: the program asked for just this

  bool operator==(const Vma&) const = default;
  bool special() const {
    return name == "[vdso]" || name == "[vvar]" || name == "[vvar_vclock]" || name == "[vsyscall]" ||
           name == "[uprobes]" || name == kStashName || huge();
  }
  /// Huge pages come from a pool of their own.
  bool huge() const { return name == "/anon_hugepage (deleted)" || name.starts_with("/memfd:hugetlb"); }
  bool heap() const { return name == "[heap]"; }
  bool anonymous() const { return !shared && inode == 0 && !special() && (name.empty() || name[0] == '['); }
};

/// Parses the text of a maps file. Lines that make no sense are left out.
std::vector<Vma> parse_maps(const std::string& text);
/// The locked mappings ("lo") in the text of a smaps file; neighbours are one range.
std::vector<PageRange> locked_ranges(const std::string& smaps);
/// Reads and parses through a kept descriptor of /proc/PID/maps. Empty if the process is gone.
std::vector<Vma> read_maps(int maps_fd);
/// The one mapping that holds `address`. False: none (or the kernel has no such query and the text has none either).
bool query_map(int maps_fd, uint64_t address, Vma* out);

/// A number in a /proc/PID/stat text, counted from 1 as in proc(5); the third and later ones.
std::optional<uint64_t> stat_field(const std::string& stat, int field);
/// What the task does by a /proc/PID/stat text: 'R', 'S', 'Z', ...; 0: the text is none.
char stat_state(const std::string& stat);
/// By /proc/PID/stat; absent: there is no such process.
std::optional<uint32_t> parent_of(uint32_t pid);

/// The processes in the text of /proc/PID/task/TID/children.
std::vector<uint32_t> pids_in(const std::string& text);

/// What /proc/PID/statm says: own_pages is RssAnon, shared_pages RssFile + RssShmem. Not known: the text is empty.
struct Resident {
  bool known = false;
  uint64_t size_pages = 0, own_pages = 0, shared_pages = 0, data_pages = 0;
};
Resident resident_of(const std::string& statm);

/// Found out once, with this process's own mappings.
bool kernel_has_procmap_query();
/// Whether /proc/PID/statm counts each page at once (since Linux 6.16); before, counts are kept per CPU and lag.
bool kernel_counts_exactly();

/// Whole content of a small /proc file through a kept descriptor; empty if it cannot be read.
std::string read_whole(int fd);
std::string read_whole_path(const std::string& path);
/// The same of a file that the kernel writes in one piece of less than 512 bytes (statm, comm, io, ...): in one call.
std::string read_line(int fd);
std::string read_line_of(const std::string& path);

}  // namespace oomcast::record
