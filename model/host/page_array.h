// Keeps the pages so that a program with many costs little. All by number, 512 to a piece.
//
// Most pages of a program lie as they came: one after the other in its memory and on the list, alike in all else. A
// piece of such pages is folded into runs: the first page of each, and in which direction addresses and links go on.
// Whoever looks at a page of it unfolds it. Folded or not decides nothing but the memory and time that the model itself
// takes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "model/host/page.h"

namespace oomcast::host {

class PageArray {
 public:
  /// Numbers are reused, last out first in.
  PageId create();
  void destroy(PageId id);

  /// The reference is good while somebody is InUse, or until the next fold().
  Page& operator[](PageId id) {
    const std::unique_ptr<Page[]>& piece = pieces_[id >> kPieceShift].pages;
    if (!piece) unfold(id >> kPieceShift);
    return piece[id & kInPiece];
  }
  Page operator[](PageId id) const {
    const std::unique_ptr<Page[]>& piece = pieces_[id >> kPieceShift].pages;
    return piece ? piece[id & kInPiece] : folded(id);
  }
  size_t size() const { return size_; }
  bool alive(PageId id) const { return (*this)[id].node_bits != kDeadNode; }

  /// Whoever keeps a reference to a page over a wait holds one of these as long.
  class InUse {
   public:
    explicit InUse(PageArray& pages) : pages_(pages) { ++pages_.users_; }
    ~InUse() { --pages_.users_; }
    InUse(const InUse&) = delete;
    InUse& operator=(const InUse&) = delete;

   private:
    PageArray& pages_;
  };
  /// Folds a few pieces if enough has changed and nobody is InUse but `own`, who keeps no reference. False: it was not
  /// the time.
  bool fold(int own = 0) { return changes_ >= kChangesPerFold && users_ <= own && fold_some(); }
  size_t folded_pages() const { return (pieces_.size() - loose_.size()) << kPieceShift; }

 private:
  static constexpr uint32_t kChangesPerFold = 512;
  static constexpr uint8_t kDeadNode = 0xff;
  static constexpr int kPieceShift = 9;
  static constexpr PageId kPiecePages = 1u << kPieceShift, kInPiece = kPiecePages - 1;
  struct Run {
    Page first;
    PageId last_link = kNoPage;  // of the last page, where the run does not say it
    uint16_t pages = 1;
    // From one page to the next, -1, 0 or 1. Links: which of prev (1) and next (-1) is the page with the next number.
    int8_t vpn_step = 0, sharer_step = 0, link_step = 0;
  };
  struct Piece {
    std::unique_ptr<Page[]> pages;  // null: folded
    std::vector<Run> runs;
  };

  bool fold_some();
  void unfold(PageId piece);
  bool fold_piece(PageId piece);
  static bool extend(Run& run, const Page& last, PageId last_id, const Page& next);
  static Page page_of(const Run& run, PageId first_id, PageId nth);
  Page folded(PageId id) const;

  std::vector<Piece> pieces_;
  std::vector<PageId> loose_;      // pieces that are not folded
  std::vector<uint8_t> unfolded_;  // how often, by piece: one that is looked at all the time is left alone
  std::vector<uint16_t> alive_;    // pages, by piece
  size_t size_ = 0;
  std::vector<PageId> free_;
  int users_ = 0;
  uint32_t changes_ = 0;        // pages created and destroyed since the last fold()
  PageId last_changed_ = 0;     // the piece in which that was
  size_t turn_ = 0, next_ = 0;  // next_: in loose_
};

}  // namespace oomcast::host
