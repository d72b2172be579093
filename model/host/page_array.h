// The array of all pages, in pieces of 512. Pieces that nobody looks at are folded to save memory.
//
// Most pages of a program were allocated in order: neighbours in number are neighbours in memory and on the list, and
// equal in all else. A folded piece is a few runs of such pages: the first page of each, and the step to the next. Any
// access to a page unfolds its piece. Folding changes nothing but the memory and time that the model takes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "model/host/page.h"

namespace oomcast::host {

class PageArray {
 public:
  /// Numbers are reused, the last one freed first.
  PageId create();
  void destroy(PageId id);

  /// The reference is valid while an InUse exists, or until the next fold().
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

  /// Held by a function that keeps a reference to a page while it may sleep. While one exists, fold() does nothing.
  class InUse {
   public:
    explicit InUse(PageArray& pages) : pages_(pages) { ++pages_.users_; }
    ~InUse() { --pages_.users_; }
    InUse(const InUse&) = delete;
    InUse& operator=(const InUse&) = delete;

   private:
    PageArray& pages_;
  };
  /// Folds a few pieces, if enough pages were created or destroyed and at most `own` InUse exist (those of the caller,
  /// who keeps no reference). False: it did nothing.
  bool fold(int own = 0) { return changes_ >= kChangesPerFold && users_ <= own && fold_some(); }
  size_t folded_pages() const { return (pieces_.size() - loose_.size()) << kPieceShift; }

 private:
  static constexpr uint32_t kChangesPerFold = 512;
  static constexpr uint8_t kDeadNode = 0xff;
  static constexpr int kPieceShift = 9;
  static constexpr PageId kPiecePages = 1u << kPieceShift, kInPiece = kPiecePages - 1;
  struct Run {
    Page first;
    PageId last_link = kNoPage;  // the outward link of the last page
    uint16_t pages = 1;
    // The step from one page to the next: -1, 0 or 1. link_step: 1 if prev is the page with the next number, -1 if next
    // is.
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
  std::vector<uint8_t> unfolded_;  // times unfolded, by piece: a piece that is looked at often is folded rarely
  std::vector<uint16_t> alive_;    // pages that exist, by piece
  size_t size_ = 0;
  std::vector<PageId> free_;
  int users_ = 0;
  uint32_t changes_ = 0;        // pages created and destroyed since the last fold()
  PageId last_changed_ = 0;     // the piece of the last such page
  size_t turn_ = 0, next_ = 0;  // turn_: calls of fold_some(); next_: position in loose_
};

}  // namespace oomcast::host
