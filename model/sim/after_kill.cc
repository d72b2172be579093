// Counts the pages of processes that the model has killed. See after_kill.h.
//
// The events are not checked by any kernel, and one may name petabytes: a range is worked on leaf by leaf, and what is
// counted has a bound, so that no event takes long.
#include "model/sim/after_kill.h"

#include <algorithm>
#include <utility>

namespace oomcast::sim {

using host::Pte;
using trace::Event;
using trace::EventKind;

namespace {

uint64_t first_page(uint64_t address) { return address >> kPageShift; }
uint64_t end_page(uint64_t address) { return (address + kPageBytes - 1) >> kPageShift; }

// `count` bits from `first` on. REQUIRES: 0 < count, and all of them in one leaf.
std::bitset<AfterKill::kLeafPages> bits(uint64_t first, uint64_t count) {
  return (~std::bitset<AfterKill::kLeafPages>() >> (AfterKill::kLeafPages - count)) << first;
}

bool is_its_own(const host::Host& host, Pte pte) {
  if (pte.is_swapped()) return host.slot(pte.slot()).map_count == 1;
  if (!pte.is_present()) return false;
  const host::Page page = host.pages[pte.page()];
  return page.anon() && page.mapcount == 1;
}

}  // namespace

void AfterKill::begin(const host::Host& host, host::ProcessIndex index) {
  const host::Process& process = host.processes[index];
  Followed& followed = processes_[index];
  const int64_t others = pages_;
  for (const uint64_t vpn : process.space.used(0, host::kVpnMax))
    if (is_its_own(host, process.space.get(vpn))) add(followed, vpn, vpn + 1);
  followed.at_kill = {pages_ - others, process.table_pages()};
  followed.tables_beside_leaves = process.table_pages() - static_cast<int64_t>(followed.leaves.size());
  tables_ += followed.tables();
  twice_.pages += followed.at_kill.pages;
  twice_.tables += followed.at_kill.tables;
}

void AfterKill::exits(host::ProcessIndex index) {
  const Held gone = std::exchange(processes_.at(index).at_kill, {});
  twice_.pages -= gone.pages;
  twice_.tables -= gone.tables;
}

// False: kPagesMax is reached.
bool AfterKill::add_leaf(Followed& process, uint64_t number, const Leaf& pages) {
  const auto found = process.leaves.find(number);
  const Leaf fresh = found == process.leaves.end() ? pages : pages & ~found->second;
  if (fresh.none()) return true;
  const auto more = static_cast<int64_t>(fresh.count());
  if (pages_ + more > kPagesMax) return false;
  pages_ += more;
  process.leaves[number] |= fresh;
  return true;
}

void AfterKill::add(Followed& process, uint64_t first, uint64_t last) {
  last = std::min(last, host::kVpnMax);
  for (uint64_t begin = first; begin < last;) {
    const uint64_t number = begin / kLeafPages, end = std::min(last, (number + 1) * kLeafPages);
    if (!add_leaf(process, number, bits(begin % kLeafPages, end - begin))) return;
    begin = end;
  }
}

void AfterKill::remove(Followed& process, uint64_t first, uint64_t last) { take(process, first, last); }

// Gives what it removed.
AfterKill::Leaves AfterKill::take(Followed& process, uint64_t first, uint64_t last) {
  Leaves taken;
  if (first >= last) return taken;  // the end of the event's range lies beyond all addresses
  auto leaf = process.leaves.lower_bound(first / kLeafPages);
  while (leaf != process.leaves.end() && leaf->first * kLeafPages < last) {
    const uint64_t base = leaf->first * kLeafPages, begin = std::max(first, base),
                   end = std::min(last, base + kLeafPages);
    const Leaf gone = leaf->second & bits(begin % kLeafPages, end - begin);
    pages_ -= static_cast<int64_t>(gone.count());
    leaf->second &= ~gone;
    if (gone.any()) taken.emplace_hint(taken.end(), leaf->first, gone);
    leaf = leaf->second.none() ? process.leaves.erase(leaf) : std::next(leaf);
  }
  return taken;
}

// What was at the new place is gone (MREMAP_FIXED). A leaf lands in two, unless the distance is a multiple of its size.
void AfterKill::move(Followed& process, uint64_t from, uint64_t to, uint64_t count) {
  if (from == to) return;
  const Leaves moved = take(process, from, from + count);
  remove(process, to, to + count);
  for (const auto& [number, pages] : moved) {
    const uint64_t begin = std::max(from, number * kLeafPages);  // nothing is set before it
    const uint64_t target = begin - from + to, offset = target % kLeafPages;
    if (target >= host::kVpnMax) return;
    const Leaf first = pages >> (begin - number * kLeafPages);
    add_leaf(process, target / kLeafPages, first << offset);
    add_leaf(process, target / kLeafPages + 1, first >> (kLeafPages - offset));
  }
}

void AfterKill::handle(const Event& event, host::ProcessIndex index) {
  Followed& process = processes_.at(index);
  tables_ -= process.tables();
  apply(process, event);
  tables_ += process.tables();
}

void AfterKill::apply(Followed& process, const Event& event) {
  const uint64_t first = first_page(event.address), last = end_page(event.address + event.bytes);
  switch (event.kind) {
    case EventKind::kTouch:
      if ((event.flags & (trace::kWrite | trace::kPresent)) != 0) add(process, first, std::max(last, first + 1));
      break;
    case EventKind::kMap:
    case EventKind::kUnmap:
    case EventKind::kAdviseDontneed:
    case EventKind::kAdviseFree:
      remove(process, first, last);
      break;
    case EventKind::kRemap:
      move(process, first, first_page(event.argument), last - first);
      break;
    case EventKind::kExec:
    case EventKind::kExit:
      remove(process, 0, host::kVpnMax);
      break;
    default:
      break;
  }
}

}  // namespace oomcast::sim
