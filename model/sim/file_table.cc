// Positions of files in Host::files. See file_table.h.
#include "model/sim/file_table.h"

#include <algorithm>

namespace oomcast::sim {

using host::File;
using host::FileIndex;

FileIndex FileTable::place_of(uint64_t id, bool may_forget) {
  if (const auto known = find(id)) return *known;
  if (places_.size() >= forget_at_ && may_forget) forget_idle();
  auto place = static_cast<FileIndex>(host_.files.size());
  if (free_.empty()) {
    host_.files.emplace_back();
  } else {
    place = free_.back();
    free_.pop_back();
  }
  host_.files[place].id = id;
  places_.emplace(id, place);
  return place;
}

std::optional<FileIndex> FileTable::find(uint64_t id) const {
  const auto known = places_.find(id);
  if (known == places_.end()) return std::nullopt;
  return known->second;
}

bool FileTable::idle(FileIndex place) const {
  const File& file = host_.files[place];
  return !file.in_memory() && file.cached == 0 && file.nodes() == 0 && file.dirty == 0 && file.writeback == 0 &&
         !kept_.contains(place);
}

// Forgets files of which no page is cached, mapped or in use: only the size that the file was known to have is lost.
// Without this a program that reads a million small files would leave a million entries.
void FileTable::forget_idle() {
  std::set<FileIndex> mapped;
  for (const host::Process& process : host_.processes)
    for (const auto& [start, mapping] : process.space.mappings) mapped.insert(mapping.file);
  std::erase_if(places_, [&](const auto& entry) {
    if (!idle(entry.second) || mapped.contains(entry.second)) return false;
    host_.files[entry.second] = File{};
    free_.push_back(entry.second);
    return true;
  });
  forget_at_ = std::max(kFilesKept, 2 * places_.size());
}

}  // namespace oomcast::sim
