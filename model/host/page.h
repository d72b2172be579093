// Holds what the model knows of one page. Its zone, its list, its flags and the one place that maps it.
//
// Pages have no physical identity here: which frame a page has decides nothing that we forecast, which zone it is in
// does. A Page exists from its allocation to its free; memory that stood on the host's lists before the run stays in
// bulk (LruList::Reservoir) until reclaim looks at it.
#pragma once

#include <cstdint>

#include "model/base/check.h"
#include "model/host/indices.h"

namespace oomcast::host {

using PageId = uint32_t;
inline constexpr PageId kNoPage = 0xffffffffu;
using SlotId = uint32_t;  // swap device in bits 27 to 30, slot number below; the top bit belongs to Pte
inline constexpr SlotId kNoSlot = 0xffffffffu;
using FileIndex = uint32_t;
inline constexpr FileIndex kNoFile = 0xffffffffu;
using ProcessIndex = uint32_t;

// What a Page has room for.
inline constexpr int kVpnBits = 40, kProcessBits = 22, kSharerBits = 25, kStackBits = 17;
inline constexpr uint64_t kAddressEnd = uint64_t{1} << (kVpnBits + 12);  // of memory, and within a file
inline constexpr ProcessIndex kNoProcess = (1u << kProcessBits) - 1;
inline constexpr uint64_t kVpnMax = (uint64_t{1} << kVpnBits) - 1;
inline constexpr uint32_t kSharerMax = (1u << kSharerBits) - 1;
inline constexpr uint32_t kStackIdMax = (1u << kStackBits) - 1;

enum PageFlag : uint16_t {
  kPageActive = 1 << 0,
  kPageReferenced = 1 << 1,
  kPageYoung = 1 << 2,  // accessed bit of a PTE that maps it
  kPageDirty = 1 << 3,
  kPageSwapCache = 1 << 4,
  kPageSwapBacked = 1 << 5,  // anonymous or shmem; clear for lazily freed (MADV_FREE) and file pages
  kPageWriteback = 1 << 6,
  kPageReclaim = 1 << 7,  // rotate to the tail when its write ends
  kPageWorkingset = 1 << 8,
  kPageFile = 1 << 9,
  kPageMlocked = 1 << 10,
  kPageLocked = 1 << 11,     // a read into it is under way
  kPageOrphan = 1 << 12,     // its last user is gone; freed when its I/O ends
  kPageReadahead = 1 << 13,  // brought in beside the one that was asked for
  kPageInBatch = 1 << 14,    // in a per-CPU lru_add batch, on no list yet
  kPageBuffers = 1 << 15,    // file: buffer heads hang on it (PagePrivate)
  kPageUntouched = 1 << 15,  // anonymous: came with a huge page; the program has not used it yet
};

/// Which list. With the multi-gen LRU a page's first four are its generation instead (host/lru_gen.h).
enum class LruKindIndex : uint8_t { kInactiveAnon, kActiveAnon, kInactiveFile, kActiveFile, kUnevictable, kNone };
inline constexpr int kEvictableLists = 4;
inline constexpr int kLists = 5;

struct Page {
  PageId prev = kNoPage, next = kNoPage;           // towards the head, towards the tail
  uint64_t vpn : kVpnBits = 0;                     // virtual page number in `owner`, or page index in a file
  ProcessIndex owner : kProcessBits = kNoProcess;  // the first mapper; others are in Host::sharers
  uint32_t refs : 2 = 0;  // with the multi-gen LRU: uses through file descriptors beyond the second (LRU_REFS_MASK)
  SlotId slot = kNoSlot;  // with kPageSwapCache: its slot; else of a file's page: which file
  uint16_t flags = 0;
  uint16_t mapcount = 0;
  uint32_t sharers : kSharerBits = 0;  // first entry in Host::sharers, 0: none
  uint32_t cgroup_bits : 7 = 0;        // cgroup()
  uint32_t stack_id : kStackBits = 0;  // whose code touched it first; 0: not sampled
  LruKindIndex list : 3 = LruKindIndex::kNone;
  ZoneKind zone : 3 = ZoneKind::kDma;
  bool background : 1 = false;  // belongs to a process that stood on the host before the run
  uint32_t node_bits : 8 = 0;   // node()

  NodeIndex node() const { return NodeIndex::from(node_bits); }
  void set_place(ZoneRef where) {
    OOMCAST_CHECK(where.node.value() >= 0 && where.node.value() < 255);
    node_bits = static_cast<uint8_t>(where.node.value());
    zone = where.zone;
  }
  /// Who is charged for it; the root: nobody.
  CgroupIndex cgroup() const { return CgroupIndex::from(cgroup_bits); }
  void set_cgroup(CgroupIndex group) {
    OOMCAST_CHECK(group.value() < 128);
    cgroup_bits = group.value() & 127;
  }
  void set_vpn(uint64_t number) {
    OOMCAST_CHECK(number <= kVpnMax);
    vpn = number & kVpnMax;
  }
  void set_owner(ProcessIndex process) {
    OOMCAST_CHECK(process <= kNoProcess);
    owner = process & kNoProcess;
  }
  void set_sharers(uint32_t entry) {
    OOMCAST_CHECK(entry <= kSharerMax);
    sharers = entry & kSharerMax;
  }

  bool has(uint16_t flag) const { return (flags & flag) != 0; }
  void set(uint16_t flag) { flags = static_cast<uint16_t>(flags | flag); }
  void clear(uint16_t flag) { flags = static_cast<uint16_t>(flags & ~flag); }
  bool test_and_clear(uint16_t flag) {
    const bool was = has(flag);
    clear(flag);
    return was;
  }
  bool anon() const { return !has(kPageFile); }
  /// Of tmpfs, a memfd, System V or shared anonymous memory: of a file, and on the lists of anonymous memory.
  bool shmem() const { return has(kPageFile) && has(kPageSwapBacked); }
  /// folio_is_file_lru(), lazily freed pages left out: page cache.
  bool cache() const { return has(kPageFile) && !has(kPageSwapBacked); }
  /// `slot` says of which file, `vpn` where in it.
  bool in_file() const { return has(kPageFile) && !has(kPageSwapCache) && slot != kNoSlot; }
};
static_assert(sizeof(Page) == 32);

}  // namespace oomcast::host
