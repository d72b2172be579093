// Finds the block size of the host's file systems. What proc/{mounts,slabinfo,vmstat} let one tell.
//
// It decides how many buffer heads, 104 bytes each, hang on a page of the cache that was written: four with the blocks
// of 1 KiB that mke2fs gives a file system below 512 MB, one with the usual 4 KiB, none on XFS and btrfs. No file of
// the kernel's states it. In this order: which file systems are mounted; buffer heads per cached page, where slabinfo
// was readable; and on a host that has hardly written anything yet, whether it was in whole pages.
#include <algorithm>

#include "model/spec/defaults.h"
#include "model/spec/parse_text.h"
#include "model/spec/snapshot/snapshot_reader.h"

namespace oomcast::host {
namespace {

constexpr int64_t kCountMax = int64_t{1} << 50;
// Logs of XFS and dirty flags of FAT are written in sectors: on a host that has been up for long the counter is odd
// anyway.
constexpr int64_t kHardlyWrittenKb = 16 << 10;
// Below that many cached pages, those of the kernel's own metadata decide the ratio.
constexpr int64_t kCachedPagesEnough = 16384;

std::optional<int64_t> vmstat(const SnapshotReader& reader, std::string_view name) {
  const std::string* text = reader.text("proc/vmstat");
  if (!text) return std::nullopt;
  for (const Line& line : lines(*text)) {
    const std::vector<std::string_view> word = words(line.text);
    if (word.size() == 2 && word[0] == name) return parse_integer(word[1], 0, kCountMax);
  }
  return std::nullopt;
}

// Whether a file system that keeps buffer heads, and one that does not, is mounted on a disk.
struct Mounted {
  bool with_buffers = false, without = false;
};
Mounted mounted(const SnapshotReader& reader) {
  Mounted found;
  const std::string* text = reader.text("proc/mounts");
  if (!text) return found;
  for (const Line& line : lines(*text)) {
    const std::vector<std::string_view> word = words(line.text);
    if (word.size() < 3) continue;
    found.with_buffers |= word[2].starts_with("ext");
    found.without |= word[2] == "xfs" || word[2] == "btrfs";
  }
  return found;
}

std::optional<int64_t> buffer_heads(const SnapshotReader& reader) {
  const std::string* text = reader.text("proc/slabinfo");
  if (!text) return std::nullopt;
  for (const Line& line : lines(*text)) {
    const std::vector<std::string_view> word = words(line.text);
    if (word.size() > 2 && word[0] == "buffer_head") return parse_integer(word[1], 0, kCountMax);
  }
  return std::nullopt;
}

int64_t cached_pages(const HostSpec& spec) {
  Pages pages;
  for (const NodeSpec& node : spec.nodes) pages += node.lru.inactive_file + node.lru.active_file;
  return pages.count();
}

}  // namespace

void read_file_systems(SnapshotReader& reader) {
  HostSpec& spec = reader.spec;
  const auto decide = [&](int64_t bytes, const char* why) {
    spec.file_block_bytes = bytes;
    reader.assume("disk.block_bytes", std::to_string(bytes), why);
  };
  const Mounted file_systems = mounted(reader);
  if (file_systems.without && !file_systems.with_buffers)
    return decide(0, "proc/mounts: XFS or btrfs, no buffer heads");
  const int64_t cached = cached_pages(spec);
  // Pages that were only read have none, so more than one per page can only come of small blocks.
  if (const auto heads = buffer_heads(reader); heads && cached >= kCachedPagesEnough && *heads > cached * 3 / 2) {
    return decide(*heads > cached * 3 ? 1024 : 2048, "proc/slabinfo has several buffer heads for each cached page");
  }
  const auto written_kb = vmstat(reader, "pgpgout");
  if (written_kb && *written_kb < kHardlyWrittenKb && *written_kb % 4 != 0) {
    return decide(*written_kb % 2 != 0 ? 1024 : 2048,
                  "what the host has written so far is no multiple of a page: pgpgout of proc/vmstat");
  }
  assume_block_size(spec, "nothing in the snapshot says otherwise");
}

}  // namespace oomcast::host
