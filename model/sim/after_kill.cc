// Counts the memory that killed processes would have gone on to hold. See after_kill.h.
//
// No kernel has checked these events, and one may name petabytes. So a range is handled leaf by leaf and the pages are
// limited (kPagesMax): no event takes long.
#include "model/sim/after_kill.h"

#include <algorithm>
#include <utility>

namespace oomcast::sim {

using Mapping = host::AddressSpace::Mapping;
using host::Pte;
using trace::Event;
using trace::EventKind;

namespace {

constexpr host::FileIndex kOnDisk = host::kNoFile - 1;  // file of a shared mapping that is not in memory

uint64_t first_page(uint64_t address) { return address >> kPageShift; }
uint64_t end_page(uint64_t address) { return (address + kPageBytes - 1) >> kPageShift; }

// `count` bits from bit `first` on. REQUIRES: count > 0 and first + count <= kLeafPages.
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

void AfterKill::begin(host::ProcessIndex index) {
  const host::Process& process = host_.processes[index];
  Followed& followed = processes_[index];
  const int64_t others = pages_;
  for (const uint64_t vpn : process.space.used(0, host::kVpnMax))
    if (is_its_own(host_, process.space.get(vpn))) add(followed.leaves, vpn, vpn + 1);
  hold_shared(followed, index);
  followed.at_kill = {pages_ - others, process.table_pages()};
  not_freed_.push_back(index);
  // Page tables that hold none of these pages (swapped out shared pages, for example) count, too.
  followed.tables_beside_leaves =
      std::max<int64_t>(0, process.table_pages() - static_cast<int64_t>(followed.leaves.size()));
  tables_ += followed.tables();
}

AfterKill::Held AfterKill::counted_twice() {
  std::erase_if(not_freed_, [this](host::ProcessIndex index) {
    const host::Process& process = host_.processes[index];
    return !process.alive && !process.dying;
  });
  Held twice;
  for (const host::ProcessIndex index : not_freed_) {
    const host::Process& process = host_.processes[index];
    const Followed& followed = processes_.at(index);
    int64_t left = process.rss_anon + process.swap_entries;
    for (const host::FileIndex file : followed.own_files) left += host_.files[file].cached + host_.files[file].swapped;
    twice.pages += std::min(followed.at_kill.pages, left);
    twice.tables += std::min(followed.at_kill.tables, process.table_pages());
  }
  return twice;
}

void AfterKill::share(Followed& process, uint64_t start, Mapping mapping, host::FileIndex file) {
  mapping.file = file != host::kNoFile && host_.files[file].in_memory() ? file : kOnDisk;
  process.shared.map(start, mapping.end - start, mapping);
}

AfterKill::Leaves AfterKill::pages_of(const host::File& file) {
  Leaves pages;
  const auto add = [&pages](uint64_t page) { pages[page / kLeafPages].set(page % kLeafPages); };
  file.for_each_page(0, [&](uint64_t page, host::PageId) {
    add(page);
    return true;
  });
  file.for_each_swapped([&](uint64_t page, host::SlotId) { add(page); });
  return pages;
}

// Files without a name that only the victim holds are freed with it: their pages count. A page that is mapped twice
// counts once; a page that is not mapped counts as written.
void AfterKill::hold_shared(Followed& followed, host::ProcessIndex index) {
  const host::Process& process = host_.processes[index];
  std::map<host::FileIndex, Leaves> not_mapped;
  for (const host::FileIndex file : process.held_files) {
    if (!host_.files[file].in_memory() || !host_.files[file].nameless || host_.files[file].holders != 1) continue;
    not_mapped[file] = pages_of(host_.files[file]);
    followed.own_files.insert(file);
  }
  for (const auto& [start, mapping] : process.space.mappings) {
    if (!mapping.shared || mapping.file == host::kNoFile) continue;
    share(followed, start, mapping, mapping.file);
    const auto left = not_mapped.find(mapping.file);
    if (left == not_mapped.end()) continue;
    const uint64_t vpn = first_page(start), page = mapping.page_index(vpn);
    put(followed.leaves, cut(left->second, page, page + first_page(mapping.end) - vpn), page, vpn);
  }
  for (const auto& [file, pages] : not_mapped) put(written_[file], pages, 0, 0);
}

// Sets `pages` in leaf `number`. False: kPagesMax is reached and nothing is set.
bool AfterKill::add_leaf(Leaves& leaves, uint64_t number, const Leaf& pages) {
  const auto found = leaves.find(number);
  const Leaf fresh = found == leaves.end() ? pages : pages & ~found->second;
  if (fresh.none()) return true;
  const auto more = static_cast<int64_t>(fresh.count());
  if (pages_ + more > kPagesMax) return false;
  pages_ += more;
  leaves[number] |= fresh;
  return true;
}

void AfterKill::add(Leaves& leaves, uint64_t first, uint64_t last) {
  last = std::min(last, host::kVpnMax);
  for (uint64_t begin = first; begin < last;) {
    const uint64_t number = begin / kLeafPages, end = std::min(last, (number + 1) * kLeafPages);
    if (!add_leaf(leaves, number, bits(begin % kLeafPages, end - begin))) return;
    begin = end;
  }
}

void AfterKill::remove(Leaves& leaves, uint64_t first, uint64_t last) { take(leaves, first, last); }

// Clears [first, last) without changing the sum. Returns the pages that were set.
AfterKill::Leaves AfterKill::cut(Leaves& leaves, uint64_t first, uint64_t last) {
  Leaves removed;
  if (first >= last) return removed;  // the event's end address has wrapped around
  auto leaf = leaves.lower_bound(first / kLeafPages);
  while (leaf != leaves.end() && leaf->first * kLeafPages < last) {
    const uint64_t base = leaf->first * kLeafPages, begin = std::max(first, base),
                   end = std::min(last, base + kLeafPages);
    const Leaf gone = leaf->second & bits(begin % kLeafPages, end - begin);
    leaf->second &= ~gone;
    if (gone.any()) removed.emplace_hint(removed.end(), leaf->first, gone);
    leaf = leaf->second.none() ? leaves.erase(leaf) : std::next(leaf);
  }
  return removed;
}

AfterKill::Leaves AfterKill::take(Leaves& leaves, uint64_t first, uint64_t last) {
  Leaves taken = cut(leaves, first, last);
  for (const auto& [number, pages] : taken) pages_ -= static_cast<int64_t>(pages.count());
  return taken;
}

// Adds `pages` moved from `from` to `to`. A leaf lands in two leaves, unless the distance is a multiple of the leaf
// size.
void AfterKill::put(Leaves& leaves, const Leaves& pages, uint64_t from, uint64_t to) {
  for (const auto& [number, leaf] : pages) {
    const uint64_t begin = std::max(from, number * kLeafPages);  // no bit before `from` is set
    const uint64_t target = begin - from + to, offset = target % kLeafPages;
    if (target >= host::kVpnMax) return;
    const Leaf first = leaf >> (begin - number * kLeafPages);
    add_leaf(leaves, target / kLeafPages, first << offset);
    add_leaf(leaves, target / kLeafPages + 1, first >> (kLeafPages - offset));
  }
}

// mremap(). What was at the new address is unmapped (MREMAP_FIXED).
void AfterKill::move(Leaves& leaves, uint64_t from, uint64_t to, uint64_t count) {
  if (from == to) return;
  const Leaves moved = take(leaves, from, from + count);
  remove(leaves, to, to + count);
  put(leaves, moved, from, to);
}

void AfterKill::handle(const Event& event, host::ProcessIndex index) {
  Followed& process = processes_.at(index);
  tables_ -= process.tables();
  apply(process, event);
  tables_ += process.tables();
}

// Pages of a file in memory that the host holds are counted by the host, unless they were freed with the victim.
void AfterKill::touch(Followed& process, const Event& event, uint64_t first, uint64_t last) {
  if ((event.flags & (trace::kWrite | trace::kPresent)) == 0) return;
  const Mapping* const mapping = process.shared.mapping_of(event.address);
  if (mapping != nullptr && mapping->file == kOnDisk) return;
  add(process.leaves, first, last);
  if (mapping == nullptr || mapping->file == host::kNoFile || process.own_files.contains(mapping->file)) return;
  leave_out_held(process.leaves, host_.files[mapping->file], mapping->page_index(first), mapping->page_index(last),
                 first);
}

// Clears the pages [begin, end) of the file that the host holds. Page `begin` of the file is page `at` of `leaves`.
void AfterKill::leave_out_held(Leaves& leaves, const host::File& file, uint64_t begin, uint64_t end, uint64_t at) {
  const auto leave_out = [&](uint64_t page) {
    if (page >= begin && page < end) remove(leaves, page - begin + at, page - begin + at + 1);
    return page < end;
  };
  file.for_each_page(begin, [&](uint64_t page, host::PageId) { return leave_out(page); });
  file.for_each_swapped([&](uint64_t page, host::SlotId) { leave_out(page); });
}

// write() to a file in memory. Pages that the host holds are counted by the host, unless they were freed with the
// victim.
void AfterKill::write_file(const Followed& process, const Event& event) {
  const auto file = file_table_.find(event.address);
  if (!file || !host_.files[*file].in_memory() || event.bytes == 0) return;
  const uint64_t begin = first_page(event.argument), end = end_page(event.argument + event.bytes);
  Leaves& written = written_[*file];
  add(written, begin, end);
  if (!process.own_files.contains(*file)) leave_out_held(written, host_.files[*file], begin, end, begin);
}

// fallocate(FALLOC_FL_PUNCH_HOLE) and ftruncate(). A page of which only a part is cut off stays.
void AfterKill::drop_written(const Event& event, uint64_t end) {
  const auto file = file_table_.find(event.address);
  const auto written = file ? written_.find(*file) : written_.end();
  if (written != written_.end()) remove(written->second, end_page(event.argument), end);
}

void AfterKill::map(Followed& process, const Event& event) {
  process.shared.unmap(event.address, event.bytes);
  if ((event.flags & trace::kPrivate) != 0) return;
  Mapping mapping;
  mapping.shared = true;
  process.shared.map(event.address, event.bytes, mapping);
}

void AfterKill::map_file(Followed& process, const Event& event) {
  const auto found = process.shared.mappings.find(event.address);
  if (found == process.shared.mappings.end()) return;
  Mapping mapping = found->second;
  mapping.file_shift =
      static_cast<int64_t>(first_page(event.argument)) - static_cast<int64_t>(first_page(event.address));
  share(process, event.address, mapping, file_table_.find(event.bytes).value_or(host::kNoFile));
}

void AfterKill::remap_shared(Followed& process, const Event& event) {
  const Mapping* const old = process.shared.mapping_of(event.address);
  if (old == nullptr) return process.shared.unmap(event.argument, event.bytes);
  Mapping moved = *old;
  moved.file_shift +=
      static_cast<int64_t>(first_page(event.address)) - static_cast<int64_t>(first_page(event.argument));
  process.shared.unmap(event.address, event.bytes);
  process.shared.map(event.argument, event.bytes, moved);
}

void AfterKill::apply(Followed& process, const Event& event) {
  const uint64_t first = first_page(event.address), last = end_page(event.address + event.bytes);
  switch (event.kind) {
    case EventKind::kTouch:
      touch(process, event, first, std::max(last, first + 1));
      break;
    case EventKind::kMap:
      remove(process.leaves, first, last);
      map(process, event);
      break;
    case EventKind::kMapFile:
      map_file(process, event);
      break;
    case EventKind::kUnmap:
      process.shared.unmap(event.address, event.bytes);
      remove(process.leaves, first, last);
      break;
    case EventKind::kAdviseDontneed:
    case EventKind::kAdviseFree:
      // A shared mapping's pages stay in the file.
      if (process.shared.mapping_of(event.address) == nullptr) remove(process.leaves, first, last);
      break;
    case EventKind::kRemap:
      move(process.leaves, first, first_page(event.argument), last - first);
      remap_shared(process, event);
      break;
    case EventKind::kExec:
    case EventKind::kExit:
      remove(process.leaves, 0, host::kVpnMax);
      process.shared.mappings.clear();
      for (const host::FileIndex file : process.own_files) remove(written_[file], 0, host::kVpnMax);
      break;
    case EventKind::kFileWrite:
      write_file(process, event);
      break;
    case EventKind::kFilePunch:
      drop_written(event, first_page(event.argument + event.bytes));
      break;
    case EventKind::kFileTruncate:
      drop_written(event, host::kVpnMax);
      break;
    default:
      break;
  }
}

}  // namespace oomcast::sim
