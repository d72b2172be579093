// Derives the block size of the host's file systems from proc/{mounts,slabinfo,vmstat}.
//
// The block size decides how many buffer heads of 104 bytes a written page of the cache has: four with the 1 KiB blocks
// that mke2fs gives a file system below 512 MB, one with the usual 4 KiB, none on XFS and btrfs. No file of the
// kernel's states it. It is derived from, in this order: the mounted file systems; buffer heads per cached page, if
// slabinfo is readable; on a host that has written little so far, whether all writes were whole pages.
#include <algorithm>

#include "model/spec/defaults.h"
#include "model/spec/parse_text.h"
#include "model/spec/snapshot/snapshot_reader.h"

namespace oomcast::host {
namespace {

constexpr int64_t kCountMax = int64_t{1} << 50;
// XFS writes its log and FAT its dirty flag in sectors. So on a host that has been up for long pgpgout is no multiple
// of 4 anyway.
constexpr int64_t kHardlyWrittenKb = 16 << 10;
// With fewer cached pages the buffer heads of file-system metadata decide the ratio.
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

// Whether a disk file system with buffer heads, and one without, is mounted.
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
  // Pages that were only read have no buffer heads. So more than one per cached page means small blocks.
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
