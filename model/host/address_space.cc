// Where is each page of a process? See address_space.h.
#include "model/host/address_space.h"

#include <algorithm>
#include <vector>

namespace oomcast::host {
namespace {
constexpr uint64_t kLeavesPerPmd = 512;
constexpr uint64_t kPmdsPerPud = 512;
}  // namespace

void AddressSpace::set(uint64_t vpn, Pte pte) {
  Leaf* leaf = const_cast<Leaf*>(find(vpn));
  if (!leaf) {
    OOMCAST_CHECK(pte.is_none());
    return;
  }
  Pte& entry = leaf->ptes[vpn % kLeafPages];
  if (entry.is_none() && !pte.is_none()) ++leaf->used;
  if (!entry.is_none() && pte.is_none()) --leaf->used;
  entry = pte;
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

void AddressSpace::map(uint64_t start, uint64_t bytes, bool accountable, bool anonymous) {
  unmap(start, bytes);
  if (bytes == 0) return;
  Mapping& mapping = mappings[start];
  mapping = {};
  mapping.end = start + bytes;
  mapping.accountable = accountable;
  mapping.anonymous = anonymous;
  mapped_bytes += static_cast<int64_t>(bytes);
  if (accountable) committed_pages += static_cast<int64_t>(bytes >> 12);
}

void AddressSpace::unmap(uint64_t start, uint64_t bytes) {
  const uint64_t end = start + bytes;
  auto it = mappings.upper_bound(start);
  if (it != mappings.begin() && std::prev(it)->second.end > start) --it;
  std::vector<std::pair<uint64_t, Mapping>> kept;
  while (it != mappings.end() && it->first < end) {
    const uint64_t cut_start = std::max(it->first, start), cut_end = std::min(it->second.end, end);
    const uint64_t cut = cut_end - cut_start;
    mapped_bytes -= static_cast<int64_t>(cut);
    if (it->second.accountable) committed_pages -= static_cast<int64_t>(cut >> 12);
    if (it->first < start) {
      kept.push_back({it->first, it->second});
      kept.back().second.end = start;
    }
    if (it->second.end > end) kept.push_back({end, it->second});
    it = mappings.erase(it);
  }
  for (auto& [from, mapping] : kept) mappings[from] = mapping;
}

}  // namespace oomcast::host
