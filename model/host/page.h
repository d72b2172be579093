// Page: what the model knows of one page: zone, list, flags and the first place that maps it.
//
// A Page has no frame number: the frame decides nothing that is forecast, the zone does. A Page exists from allocation
// to free. Memory that was on the host's lists before the run is kept as counts (Reservoir) until reclaim looks at it.
#pragma once

#include <cstdint>

#include "model/base/check.h"
#include "model/host/indices.h"

namespace oomcast::host {

using PageId = uint32_t;
inline constexpr PageId kNoPage = 0xffffffffu;
using SlotId = uint32_t;  // device in bits 27 to 30, slot number below; the top bit belongs to Pte
inline constexpr SlotId kNoSlot = 0xffffffffu;
using FileIndex = uint32_t;
inline constexpr FileIndex kNoFile = 0xffffffffu;
using ProcessIndex = uint32_t;

// Widths of the fields of Page.
inline constexpr int kVpnBits = 40, kProcessBits = 22, kSharerBits = 25, kStackBits = 17;
inline constexpr uint64_t kAddressEnd = uint64_t{1} << (kVpnBits + 12);  // of address spaces, and of files
inline constexpr ProcessIndex kNoProcess = (1u << kProcessBits) - 1;
inline constexpr uint64_t kVpnMax = (uint64_t{1} << kVpnBits) - 1;
inline constexpr uint32_t kSharerMax = (1u << kSharerBits) - 1;
inline constexpr uint32_t kStackIdMax = (1u << kStackBits) - 1;

enum PageFlag : uint16_t {
  kPageActive = 1 << 0,
  kPageReferenced = 1 << 1,
  kPageYoung = 1 << 2,  // the accessed bit of the PTEs that map it; one for all of them
  kPageDirty = 1 << 3,
  kPageSwapCache = 1 << 4,
  kPageSwapBacked = 1 << 5,  // anonymous or shmem; clear for MADV_FREE pages and page cache
  kPageWriteback = 1 << 6,
  kPageReclaim = 1 << 7,  // PG_reclaim: rotate to the tail when its write ends
  kPageWorkingset = 1 << 8,
  kPageFile = 1 << 9,
  kPageMlocked = 1 << 10,
  kPageLocked = 1 << 11,     // PG_locked: a read into the page is under way
  kPageOrphan = 1 << 12,     // its last user is gone; freed when its I/O ends
  kPageReadahead = 1 << 13,  // read in advance, beside the page that was asked for
  kPageInBatch = 1 << 14,    // in a CPU's lru_add batch, on no list yet
  kPageBuffers = 1 << 15,    // page cache: has buffer heads (PagePrivate)
  kPageUntouched = 1 << 15,  // anonymous: mapped as part of a huge page; not used by the program yet
};

/// The list of a page. With the multi-gen LRU the first four values are the page's generation instead (host/lru_gen.h).
enum class LruKindIndex : uint8_t { kInactiveAnon, kActiveAnon, kInactiveFile, kActiveFile, kUnevictable, kNone };
inline constexpr int kEvictableLists = 4;
inline constexpr int kLists = 5;

struct Page {
  PageId prev = kNoPage, next = kNoPage;           // towards the head, towards the tail
  uint64_t vpn : kVpnBits = 0;                     // virtual page number in `owner`, or page index in a file
  ProcessIndex owner : kProcessBits = kNoProcess;  // the first process that maps it; the others are in Host::sharers
  uint32_t refs : 2 = 0;                           // LRU_REFS_MASK: uses through file descriptors beyond the second
  SlotId slot = kNoSlot;  // with kPageSwapCache: the slot; otherwise, for a page of a file: its FileIndex
  uint16_t flags = 0;
  uint16_t mapcount = 0;
  uint32_t sharers : kSharerBits = 0;  // first entry in Host::sharers, 0: none
  uint32_t cgroup_bits : 7 = 0;        // see cgroup()
  uint32_t stack_id : kStackBits = 0;  // the stack that first touched it; 0: not sampled
  LruKindIndex list : 3 = LruKindIndex::kNone;
  ZoneKind zone : 3 = ZoneKind::kDma;
  bool background : 1 = false;  // belongs to a process from before the run
  uint32_t node_bits : 8 = 0;   // see node()

  NodeIndex node() const { return NodeIndex::from(node_bits); }
  void set_place(ZoneRef where) {
    OOMCAST_CHECK(where.node.value() >= 0 && where.node.value() < 255);
    node_bits = static_cast<uint8_t>(where.node.value());
    zone = where.zone;
  }
  /// The cgroup that is charged for it; the root stands for none.
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
  /// Of tmpfs, a memfd, System V or shared anonymous memory: a page of a file on the anonymous lists.
  bool shmem() const { return has(kPageFile) && has(kPageSwapBacked); }
  /// Page cache: folio_is_file_lru() without MADV_FREE pages.
  bool cache() const { return has(kPageFile) && !has(kPageSwapBacked); }
  /// Whether `slot` is the FileIndex and `vpn` the page index in that file.
  bool in_file() const { return has(kPageFile) && !has(kPageSwapCache) && slot != kNoSlot; }
};
static_assert(sizeof(Page) == 32);

}  // namespace oomcast::host
