// The page table and the mappings of a process. See address_space.h.
#include "model/host/address_space.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace oomcast::host {
namespace {
constexpr size_t kTablesPerFold = 2;
constexpr uint64_t kLeavesPerPmd = 512;
constexpr uint64_t kPmdsPerPud = 512;
}  // namespace

void AddressSpace::set(uint64_t vpn, Pte pte) {
  Leaf* leaf = const_cast<Leaf*>(find(vpn));
  if (!leaf) {
    OOMCAST_CHECK(pte.is_none());
    return;
  }
  Pte& entry = opened(vpn / kLeafPages, *leaf)[vpn % kLeafPages];
  if (entry.is_none() && !pte.is_none()) ++leaf->used;
  if (!entry.is_none() && pte.is_none()) --leaf->used;
  entry = pte;
}

void AddressSpace::fold() {
  const size_t tables = 2 * std::exchange(opened_, 0) + kTablesPerFold;
  for (size_t i = 0; i < tables && !loose_.empty(); ++i) {
    next_loose_ = next_loose_ + 1 < loose_.size() ? next_loose_ + 1 : 0;
    const auto leaf = leaves_.find(loose_[next_loose_]);
    if (leaf != leaves_.end() && leaf->second->ptes.is_open() && !leaf->second->ptes.fold()) continue;
    loose_[next_loose_] = loose_.back();
    loose_.pop_back();
  }
}

PageNumbers AddressSpace::used(uint64_t first_vpn, uint64_t last_vpn) const {
  PageNumbers numbers;
  for (auto it = leaves_.lower_bound(first_vpn / kLeafPages); it != leaves_.end() && it->first * kLeafPages < last_vpn;
       ++it) {
    for (uint64_t i = 0; i < kLeafPages && it->second->used > 0; ++i) {
      const uint64_t vpn = it->first * kLeafPages + i;
      if (vpn >= first_vpn && vpn < last_vpn && !it->second->ptes.get(i).is_none()) numbers.add(vpn);
    }
  }
  return numbers;
}

int AddressSpace::add_tables(uint64_t vpn) {
  const uint64_t index = vpn / kLeafPages;
  if (leaves_.contains(index)) return 0;
  leaves_.emplace(index, std::make_unique<Leaf>());
  int added = 1;
  const uint64_t pmd = index / kLeavesPerPmd;
  if (pmds_[pmd]++ == 0) {
    ++added;
    if (puds_[pmd / kPmdsPerPud]++ == 0) ++added;
  }
  table_pages_ += added;
  return added;
}

int AddressSpace::drop_empty_tables(uint64_t first_vpn, uint64_t last_vpn) {
  int dropped = 0;
  auto it = leaves_.lower_bound(first_vpn / kLeafPages);
  while (it != leaves_.end() && it->first * kLeafPages < last_vpn) {
    if (it->second->used > 0) {
      ++it;
      continue;
    }
    const uint64_t pmd = it->first / kLeavesPerPmd;
    if (cached_ == it->second.get()) cached_ = nullptr;
    it = leaves_.erase(it);
    ++dropped;
    if (--pmds_[pmd] == 0) {
      pmds_.erase(pmd);
      ++dropped;
      if (--puds_[pmd / kPmdsPerPud] == 0) {
        puds_.erase(pmd / kPmdsPerPud);
        ++dropped;
      }
    }
  }
  table_pages_ -= dropped;
  return dropped;
}

void AddressSpace::map(uint64_t start, uint64_t bytes, Mapping kind) {
  unmap(start, bytes);
  if (bytes == 0) return;
  kind.end = page_end(start + bytes);
  start = page_start(start);
  count(*mappings.insert_or_assign(start, kind).first, 1);
  merge(start, kind.end);
}

void AddressSpace::unmap(uint64_t start, uint64_t bytes) {
  if (bytes == 0) return;
  const uint64_t end = page_end(start + bytes);
  start = page_start(start);
  split(start);
  split(end);
  auto it = mappings.lower_bound(start);
  while (it != mappings.end() && it->first < end) {
    count(*it, -1);
    it = mappings.erase(it);
  }
}

const AddressSpace::Mapping* AddressSpace::mapping_of(uint64_t address) const {
  auto it = mappings.upper_bound(address);
  if (it == mappings.begin() || std::prev(it)->second.end <= address) return nullptr;
  return &std::prev(it)->second;
}

void AddressSpace::split(uint64_t address) {
  auto it = mappings.upper_bound(address);
  if (it == mappings.begin()) return;
  --it;
  if (it->first == address || it->second.end <= address) return;
  Mapping upper = it->second;
  it->second.end = address;
  mappings[address] = upper;
}

// vma_merge(): joins mappings from the one before `first` to the one at `last`. Anonymous mappings only.
void AddressSpace::merge(uint64_t first, uint64_t last) {
  auto it = mappings.lower_bound(first);
  if (it != mappings.begin()) --it;
  while (it != mappings.end() && it->first < last) {
    const auto next = std::next(it);
    if (next == mappings.end()) return;
    if (it->second.anonymous && it->second.end == next->first && it->second.same_kind(next->second)) {
      it->second.end = next->second.end;
      mappings.erase(next);
    } else {
      it = next;
    }
  }
}

}  // namespace oomcast::host
