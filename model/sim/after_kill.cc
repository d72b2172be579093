// Counts the pages of processes that the model has killed. See after_kill.h.
#include "model/sim/after_kill.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace oomcast::sim {

using host::Pte;
using trace::Event;
using trace::EventKind;

namespace {

uint64_t first_page(uint64_t address) { return address >> kPageShift; }
uint64_t end_page(uint64_t address) { return (address + kPageBytes - 1) >> kPageShift; }

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
  for (const uint64_t vpn : process.space.used(0, host::kVpnMax))
    if (is_its_own(host, process.space.get(vpn))) add(followed, vpn, vpn + 1);
  for (const auto& [number, leaf] : followed.leaves) followed.pages_at_kill += static_cast<int64_t>(leaf.count());
  followed.tables_at_kill = process.table_pages();
  followed.leaves_at_kill = static_cast<int64_t>(followed.leaves.size());
}

void AfterKill::add(Followed& process, uint64_t first, uint64_t last) {
  for (uint64_t vpn = first; vpn < last; ++vpn) {
    auto page = process.leaves[vpn / kLeafPages][vpn % kLeafPages];
    if (!page) ++pages_;
    page = true;
  }
}

void AfterKill::remove(Followed& process, uint64_t first, uint64_t last) {
  auto leaf = process.leaves.lower_bound(first / kLeafPages);
  while (leaf != process.leaves.end() && leaf->first * kLeafPages < last) {
    const uint64_t base = leaf->first * kLeafPages;
    const auto before = static_cast<int64_t>(leaf->second.count());
    for (uint64_t vpn = std::max(first, base); vpn < std::min(last, base + kLeafPages); ++vpn)
      leaf->second[vpn % kLeafPages] = false;
    pages_ -= before - static_cast<int64_t>(leaf->second.count());
    leaf = leaf->second.none() ? process.leaves.erase(leaf) : std::next(leaf);
  }
}

void AfterKill::move(Followed& process, uint64_t from, uint64_t to, uint64_t count) {
  std::vector<uint64_t> moved;
  for (auto leaf = process.leaves.lower_bound(from / kLeafPages);
       leaf != process.leaves.end() && leaf->first * kLeafPages < from + count; ++leaf)
    for (uint64_t i = 0; i < kLeafPages; ++i)
      if (const uint64_t vpn = leaf->first * kLeafPages + i; leaf->second[i] && vpn >= from && vpn < from + count)
        moved.push_back(vpn);
  remove(process, from, from + count);
  for (const uint64_t vpn : moved) add(process, vpn - from + to, vpn - from + to + 1);
}

void AfterKill::handle(const Event& event, host::ProcessIndex index) {
  Followed& process = processes_.at(index);
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

AfterKill::Held AfterKill::counted_twice(const host::Host& host) const {
  Held sum;
  for (const auto& [index, process] : processes_) {
    if (!host.processes[index].alive) continue;
    sum.pages += process.pages_at_kill;
    sum.tables += process.tables_at_kill;
  }
  return sum;
}

int64_t AfterKill::tables() const {
  int64_t sum = 0;
  for (const auto& [index, process] : processes_)
    sum += process.leaves.empty()
               ? 0
               : process.tables_at_kill + static_cast<int64_t>(process.leaves.size()) - process.leaves_at_kill;
  return sum;
}

}  // namespace oomcast::sim
