// Reads the host's dentries and inodes: counts from proc/sys/fs/{dentry-state,inode-nr}, sizes from proc/slabinfo.
#include <algorithm>

#include "model/spec/parse_text.h"
#include "model/spec/snapshot/snapshot_reader.h"
#include "model/spec/vfs_cache_spec.h"

namespace oomcast::host {
namespace {

constexpr int64_t kObjectsMax = int64_t{1} << 40;
constexpr const char* kDentryState = "proc/sys/fs/dentry-state";
constexpr const char* kInodeNr = "proc/sys/fs/inode-nr";

// The numbers of a one-line file. An error if there are fewer than `least`.
std::vector<int64_t> numbers(SnapshotReader& reader, const char* path, size_t least) {
  std::vector<int64_t> values;
  const std::string* text = reader.text(path);
  if (!text) return values;
  for (const std::string_view word : words(trim(*text))) {
    const auto value = parse_integer(word, 0, kObjectsMax);
    if (!value) break;
    values.push_back(*value);
  }
  if (values.size() < least)
    reader.fail(path, 1, "expected at least " + std::to_string(least) + " numbers, got " + quote(trim(*text)));
  return values;
}

// Bytes of slab memory per object, over all caches for whose name `is_wanted` is true; 0 without such a cache.
template <class Wanted>
int64_t slab_bytes_per_object(const std::string& slabinfo, Wanted is_wanted) {
  int64_t bytes = 0, objects = 0;
  for (const Line& line : lines(slabinfo)) {
    // name active_objs num_objs objsize objperslab pagesperslab ...
    const std::vector<std::string_view> word = words(line.text);
    if (word.size() < 6 || !is_wanted(word[0])) continue;
    const auto count = parse_integer(word[2], 0, kObjectsMax), per_slab = parse_integer(word[4], 1, 65536),
               pages = parse_integer(word[5], 1, 1024);
    if (!count || !per_slab || !pages) continue;
    bytes += *count / *per_slab * *pages * kPageBytes;
    objects += *count;
  }
  return objects > 0 ? bytes / objects : 0;
}

bool is_inode_cache(std::string_view name) {
  return name != "lsm_inode_cache" && (name.ends_with("inode_cache") || name.ends_with("_inode"));
}

// Caches of file systems without a disk: their inodes are in use while their dentries are pinned.
bool is_pinned_inode_cache(std::string_view name) {
  constexpr std::string_view kPinned[] = {"inode_cache",      "proc_inode_cache",   "shmem_inode_cache",
                                          "sock_inode_cache", "mqueue_inode_cache", "hugetlbfs_inode_cache"};
  return std::find(std::begin(kPinned), std::end(kPinned), name) != std::end(kPinned);
}

// Bytes per inode of the caches that reclaim can free, or of all caches if there are none of these.
int64_t inode_bytes_of(const std::string& slabinfo) {
  const int64_t reclaimable = slab_bytes_per_object(
      slabinfo, [](std::string_view name) { return is_inode_cache(name) && !is_pinned_inode_cache(name); });
  return reclaimable > 0 ? reclaimable : slab_bytes_per_object(slabinfo, is_inode_cache);
}

// Reclaimable slab, in pages, at the last host-wide OOM kill for an order-0 request: reclaim had tried to free all of
// it. "slab_reclaimable:5270" of Mem-Info counts pages; in the lines of nodes and zones it ends in kB and is no number.
// 0 if the log has none.
int64_t slab_left_at_oom(const SnapshotReader& reader) {
  int64_t left = 0;
  for (const std::string& path : kernel_logs()) {
    const std::string* text = reader.text(path);
    if (!text) continue;
    bool in_oom = false;
    for (const Line& line : lines(*text)) {
      if (line.text.find("invoked oom-killer") != std::string_view::npos)
        in_oom = line.text.find("order=0") != std::string_view::npos;
      if (line.text.find("page allocation failure") != std::string_view::npos) in_oom = false;
      if (!in_oom) continue;
      for (std::string_view word : words(line.text)) {
        constexpr std::string_view kKey = "slab_reclaimable:";
        if (!word.starts_with(kKey)) continue;
        if (const auto pages = parse_integer(word.substr(kKey.size()), 0, kObjectsMax)) left = *pages;
      }
    }
    if (left > 0) return left;
  }
  return left;
}

}  // namespace

const std::vector<std::string>& kernel_logs() {
  static const std::vector<std::string> paths = {"sos_commands/kernel/dmesg", "sos_commands/kernel/dmesg_-T",
                                                 "sos_commands/general/dmesg", "dmesg", "var/log/dmesg"};
  return paths;
}

void read_vfs_cache(SnapshotReader& reader) {
  VfsCacheSpec& cache = reader.spec.vfs_cache;
  if (const std::string* slabinfo = reader.text("proc/slabinfo")) {
    const int64_t dentry = slab_bytes_per_object(*slabinfo, [](std::string_view name) { return name == "dentry"; });
    const int64_t inode = inode_bytes_of(*slabinfo);
    if (dentry > 0) cache.dentry_bytes = static_cast<int>(std::clamp<int64_t>(dentry, 64, 65536));
    if (inode > 0) cache.inode_bytes = static_cast<int>(std::clamp<int64_t>(inode, 64, 65536));
  }
  if (!reader.text(kDentryState))
    return assume_vfs_cache(reader.spec, "no proc/sys/fs/dentry-state", slab_left_at_oom(reader));
  const std::vector<int64_t> dentries = numbers(reader, kDentryState, 5), inodes = numbers(reader, kInodeNr, 2);
  if (reader.error) return;
  cache.dentries_unused = dentries[1];
  // Before 5.0 the fifth number is always 0.
  cache.dentries_negative = std::min(dentries[4], dentries[1]);
  if (inodes.empty()) {
    cache.inodes = cache.dentries_unused - cache.dentries_negative;
    return reader.assume("vfs_cache.inodes", std::to_string(cache.inodes),
                         "no proc/sys/fs/inode-nr; one for each dentry that has one");
  }
  cache.inodes = inodes[0];
  cache.inodes_unused = std::min(inodes[1], inodes[0]);
}

}  // namespace oomcast::host
