// What does the model know of one page? Its zone, its list, its flags and the one place that maps it.
//
// Pages have no physical identity here: which frame a page has decides nothing that we forecast, which zone it is in
// does. A Page exists from its allocation to its free; memory that stood on the host's lists before the run stays in
// bulk (LruList::Reservoir) until reclaim looks at it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "model/base/check.h"

namespace oomcast::host {

using PageId = uint32_t;
inline constexpr PageId kNoPage = 0xffffffffu;
using SlotId = uint32_t;  // swap device index in the top 4 bits, slot number below
inline constexpr SlotId kNoSlot = 0xffffffffu;
using FileIndex = uint32_t;
inline constexpr FileIndex kNoFile = 0xffffffffu;
using ProcessIndex = uint32_t;
inline constexpr ProcessIndex kNoProcess = 0xffffffffu;

enum PageFlag : uint16_t {
  kPageActive = 1 << 0,
  kPageReferenced = 1 << 1,
  kPageYoung = 1 << 2,       // accessed bit of a PTE that maps it
  kPageDirty = 1 << 3,
  kPageSwapCache = 1 << 4,
  kPageSwapBacked = 1 << 5,  // anonymous or shmem; clear for lazily freed (MADV_FREE) and file pages
  kPageWriteback = 1 << 6,
  kPageReclaim = 1 << 7,     // rotate to the tail when its write ends
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

enum class LruKindIndex : uint8_t { kInactiveAnon, kActiveAnon, kInactiveFile, kActiveFile, kUnevictable, kNone };
inline constexpr int kEvictableLists = 4;
inline constexpr int kLists = 5;

struct Page {
  PageId prev = kNoPage, next = kNoPage;      // towards the head, towards the tail
  uint64_t vpn = 0;                           // virtual page number in `owner`, or page index in a file
  ProcessIndex owner = kNoProcess;            // the first mapper; others are in Host::sharers
  SlotId slot = kNoSlot;                      // valid with kPageSwapCache
  uint32_t sharers = 0;                       // first entry in Host::sharers, 0: none
  uint32_t stack_id = 0;                      // whose code touched it first; 0: not sampled
  uint16_t flags = 0;
  uint16_t mapcount = 0;
  uint8_t node = 0;                           // index into Host::nodes
  uint8_t zone = 0;                           // ZoneKind, the index into Node::zones
  LruKindIndex list = LruKindIndex::kNone;
  bool background : 1 = false;                // belongs to a process that stood on the host before the run
  uint8_t cgroup : 7 = 0;                     // who is charged for it; 0: the root, nobody

  bool has(uint16_t flag) const { return (flags & flag) != 0; }
  void set(uint16_t flag) { flags = static_cast<uint16_t>(flags | flag); }
  void clear(uint16_t flag) { flags = static_cast<uint16_t>(flags & ~flag); }
  bool test_and_clear(uint16_t flag) {
    const bool was = has(flag);
    clear(flag);
    return was;
  }
  bool anon() const { return !has(kPageFile); }
};
static_assert(sizeof(Page) <= 40);

/// All pages by id; ids are reused, lowest memory footprint first in, last out. In pieces: one that doubles would hold twice
/// as much as there is, and three times while it moves.
class PageArray {
 public:
  PageId create() {
    if (!free_.empty()) {
      const PageId id = free_.back();
      free_.pop_back();
      (*this)[id] = Page{};
      return id;
    }
    if (size_ == pieces_.size() << kPieceShift) pieces_.push_back(std::make_unique<Page[]>(kPiecePages));
    return static_cast<PageId>(size_++);
  }
  void destroy(PageId id) {
    OOMCAST_CHECK((*this)[id].list == LruKindIndex::kNone);
    (*this)[id].node = kDeadNode;
    free_.push_back(id);
  }
  Page& operator[](PageId id) { return pieces_[id >> kPieceShift][id & (kPiecePages - 1)]; }
  const Page& operator[](PageId id) const { return pieces_[id >> kPieceShift][id & (kPiecePages - 1)]; }
  size_t size() const { return size_; }
  bool alive(PageId id) const { return (*this)[id].node != kDeadNode; }

 private:
  static constexpr uint8_t kDeadNode = 0xff;
  static constexpr int kPieceShift = 14;
  static constexpr size_t kPiecePages = size_t{1} << kPieceShift;
  std::vector<std::unique_ptr<Page[]>> pieces_;
  size_t size_ = 0;
  std::vector<PageId> free_;
};

}  // namespace oomcast::host
