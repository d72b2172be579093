// Folds runs of equal pages. See page_array.h.
#include "model/host/page_array.h"

#include <algorithm>
#include <array>
#include <bit>

namespace oomcast::host {
namespace {

constexpr uint32_t kPiecesPerFold = 3;
constexpr size_t kRunsMax = 64;  // per piece; with more, folding saves too little
constexpr uint8_t kUnfoldedMax = 8;

using Words = std::array<uint64_t, sizeof(Page) / sizeof(uint64_t)>;

Words bits_that_may_differ() {
  Page page = std::bit_cast<Page>(Words{});
  page.prev = page.next = kNoPage;
  page.vpn = kVpnMax;
  page.sharers = kSharerMax;
  return std::bit_cast<Words>(page);
}

const Words kMayDiffer = bits_that_may_differ();

bool alike(const Page& one, const Page& other) {
  const auto a = std::bit_cast<Words>(one), b = std::bit_cast<Words>(other);
  uint64_t difference = 0;
  for (size_t i = 0; i < a.size(); ++i) difference |= (a[i] ^ b[i]) & ~kMayDiffer[i];
  return difference == 0;
}

// The page is about to change. The head of a list counts: the next page put on the list changes its link.
bool restless(const Page& page) {
  return (page.list != LruKindIndex::kNone && page.prev == kNoPage) ||
         page.has(kPageInBatch | kPageLocked | kPageWriteback);
}

}  // namespace

PageId PageArray::create() {
  ++changes_;
  if (!free_.empty()) {
    const PageId id = free_.back();
    free_.pop_back();
    (*this)[id] = Page{};
    ++alive_[id >> kPieceShift];
    last_changed_ = id >> kPieceShift;
    return id;
  }
  if (size_ == pieces_.size() << kPieceShift) {
    loose_.push_back(static_cast<PageId>(pieces_.size()));
    pieces_.push_back({std::make_unique<Page[]>(kPiecePages), {}});
    unfolded_.push_back(0);
    alive_.push_back(0);
  }
  ++alive_.back();
  return static_cast<PageId>(size_++);
}

void PageArray::destroy(PageId id) {
  ++changes_;
  Page& page = (*this)[id];
  OOMCAST_CHECK(page.list == LruKindIndex::kNone);
  page.node_bits = kDeadNode;
  --alive_[id >> kPieceShift];
  last_changed_ = id >> kPieceShift;
  free_.push_back(id);
}

bool PageArray::fold_some() {
  const uint32_t pieces = changes_ / kChangesPerFold * kPiecesPerFold;
  changes_ %= kChangesPerFold;
  ++turn_;
  for (uint32_t i = 0; i < pieces && !loose_.empty(); ++i) {
    next_ = next_ + 1 < loose_.size() ? next_ + 1 : 0;
    const PageId piece = loose_[next_];
    if (turn_ % (size_t{1} << unfolded_[piece]) != 0 || !fold_piece(piece)) continue;
    loose_[next_] = loose_.back();
    loose_.pop_back();
  }
  return true;
}

bool PageArray::fold_piece(PageId piece) {
  const PageId first = piece << kPieceShift;
  if (first + kPiecePages > size_ || piece == last_changed_) return false;
  const Page* const pages = pieces_[piece].pages.get();
  if (alive_[piece] == 0) {  // nobody asks what the dead pages were
    Run dead;
    dead.first = pages[0];
    dead.pages = kPiecePages;
    pieces_[piece] = {nullptr, {dead}};
    return true;
  }
  if (restless(pages[kPiecePages - 1]) || restless(pages[0])) return false;
  std::vector<Run> runs;
  for (PageId i = 0; i < kPiecePages; ++i) {
    if (restless(pages[i])) return false;
    if (i > 0 && extend(runs.back(), pages[i - 1], first + i - 1, pages[i])) continue;
    if (runs.size() == kRunsMax) return false;
    Run run;
    run.first = pages[i];
    runs.push_back(run);
  }
  pieces_[piece] = {nullptr, {runs.begin(), runs.end()}};
  return true;
}

bool PageArray::extend(Run& run, const Page& last, PageId last_id, const Page& next) {
  const auto vpn = static_cast<int64_t>(next.vpn) - static_cast<int64_t>(last.vpn);
  const auto sharer = static_cast<int64_t>(next.sharers) - static_cast<int64_t>(last.sharers);
  const bool up = last.prev == last_id + 1 && next.next == last_id,
             down = last.next == last_id + 1 && next.prev == last_id;
  const bool apart = (last.prev & last.next & next.prev & next.next) == kNoPage;
  if (vpn < -1 || vpn > 1 || sharer < -1 || sharer > 1 || !(up || down || apart) || !alike(last, next)) return false;
  const auto link = static_cast<int8_t>(up ? 1 : down ? -1 : 0);
  if (run.pages > 1 && (run.vpn_step != vpn || run.sharer_step != sharer || run.link_step != link)) return false;
  run.vpn_step = static_cast<int8_t>(vpn);
  run.sharer_step = static_cast<int8_t>(sharer);
  run.link_step = link;
  run.last_link = up ? next.prev : next.next;
  ++run.pages;
  return true;
}

Page PageArray::page_of(const Run& run, PageId first_id, PageId nth) {
  Page page = run.first;
  const PageId id = first_id + nth;
  const auto steps = static_cast<uint64_t>(static_cast<int64_t>(nth));
  page.set_vpn(page.vpn + steps * static_cast<uint64_t>(int64_t{run.vpn_step}));
  page.set_sharers(page.sharers + nth * static_cast<uint32_t>(int32_t{run.sharer_step}));
  const PageId onward = nth + 1 < run.pages ? id + 1 : run.last_link;
  if (run.link_step > 0) {
    page.prev = onward;
    if (nth > 0) page.next = id - 1;
  } else if (run.link_step < 0) {
    page.next = onward;
    if (nth > 0) page.prev = id - 1;
  }
  return page;
}

void PageArray::unfold(PageId piece) {
  auto pages = std::make_unique<Page[]>(kPiecePages);
  PageId at = 0;
  for (const Run& run : pieces_[piece].runs) {
    for (PageId nth = 0; nth < run.pages; ++nth) pages[at + nth] = page_of(run, (piece << kPieceShift) + at, nth);
    at += run.pages;
  }
  pieces_[piece] = {std::move(pages), {}};
  loose_.push_back(piece);
  if (unfolded_[piece] < kUnfoldedMax) ++unfolded_[piece];
}

Page PageArray::folded(PageId id) const {
  PageId at = id & ~kInPiece;
  for (const Run& run : pieces_[id >> kPieceShift].runs) {
    if (id < at + run.pages) return page_of(run, at, id - at);
    at += run.pages;
  }
  return Page{};
}

}  // namespace oomcast::host
