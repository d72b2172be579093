// StackTable: interns stacks, opens perf maps, and names frames. See stack_table.h.
#include "preload/record/stacks/stack_table.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <utility>

#include "preload/ring/python_words.h"

namespace oomcast::record {
namespace {

constexpr size_t kStacksMax = 100'000;
constexpr uint32_t kSamplesPerCheck = 64;  // samples without a perf map between two tries to open one

bool is_our_library(const std::string& path) {
  const size_t slash = path.rfind('/');
  return path.compare(slash + 1, 10, "liboomcast") == 0;
}

}  // namespace

uint32_t StackTable::module_number(const std::string& name) {
  auto [number, fresh] = module_numbers_.try_emplace(name, static_cast<uint32_t>(modules_.size()));
  if (fresh) modules_.push_back(name);
  return number->second;
}

uint64_t StackTable::name_number(const std::string& name) {
  auto [number, fresh] = name_numbers_.try_emplace(name, names_.size());
  if (fresh) names_.push_back(name);
  return number->second;
}

Frame StackTable::frame_of(uint64_t counter, const std::vector<Vma>& maps, uint32_t pid, bool* ours) {
  const auto at = std::upper_bound(maps.begin(), maps.end(), counter,
                                   [](uint64_t value, const Vma& vma) { return value < vma.end; });
  const bool mapped = at != maps.end() && counter >= at->start;
  if (mapped && !at->name.empty() && at->name[0] == '/') {
    *ours = is_our_library(at->name);
    return {module_number(at->name), counter - at->start + at->file_offset};
  }
  if (pid == 0) return {0, counter};
  const auto [known, fresh] = perf_map_modules_.try_emplace(pid, 0);
  if (known->second == 0 && (fresh || ++perf_map_misses_ % kSamplesPerCheck == 0)) {
    if (UniqueFd file = PerfMap::open(pid)) {
      known->second = module_number("perf map of process " + std::to_string(pid));
      perf_map_files_[known->second] = std::move(file);
    }
  }
  return {known->second, counter};
}

uint32_t StackTable::intern(std::span<const uint64_t> counters, const std::vector<Vma>& maps, SiteKind kind,
                            uint32_t pid, PythonNames* python) {
  Key key{kind, {}};
  key.second.reserve(counters.size());
  for (const uint64_t counter : counters) {
    if (counter == 0) break;
    if (ring::is_python_word(counter)) {
      if (const std::string name = python != nullptr ? python->name(counter) : std::string(); !name.empty())
        key.second.push_back({kNamed, name_number(name)});
      continue;
    }
    bool ours = false;
    const Frame frame = frame_of(counter, maps, pid, &ours);
    if (!ours) key.second.push_back(frame);
  }
  return key.second.empty() && kind != SiteKind::kStack ? 0 : number_of(std::move(key));
}

uint32_t StackTable::number_of(Key key) {
  if (const auto at = numbers_.find(key); at != numbers_.end()) return at->second;
  if (sites_.size() >= kStacksMax) {
    ++left_out_;
    return 0;
  }
  const auto number = static_cast<uint32_t>(sites_.size()) + 1;
  sites_.push_back({&numbers_.emplace(std::move(key), number).first->first});
  return number;
}

void StackTable::will_be_read(uint32_t number) {
  if (number == 0 || std::exchange(sites_[number - 1].read, true)) return;
  for (const Frame& frame : sites_[number - 1].key->second)
    if (frame.module != 0 && frame.module != kNamed && !perf_map_files_.contains(frame.module))
      symbolizer_.want(modules_[frame.module], frame.offset);
}

std::vector<std::string> StackTable::kinds() const {
  std::vector<std::string> out;
  for (const Site& site : sites_) out.emplace_back(site_kind_name(site.key->first));
  return out;
}

void StackTable::append_names(const Frame& frame, std::vector<std::string>* out) {
  if (frame.module == kNamed) return out->push_back(names_[frame.offset]);
  char plain[32];
  std::snprintf(plain, sizeof plain, "0x%" PRIx64, frame.offset);
  if (frame.module == 0) {
    out->emplace_back(plain);
  } else if (const auto perf = perf_maps_.find(frame.module); perf != perf_maps_.end()) {
    const std::string_view name = perf->second.name(frame.offset);
    out->emplace_back(name.empty() ? std::string_view(plain) : name);
  } else {
    const std::vector<std::string>& names = symbolizer_.names(modules_[frame.module], frame.offset);
    out->insert(out->end(), names.begin(), names.end());
  }
}

std::vector<std::vector<std::string>> StackTable::resolve() {
  symbolizer_.finish();
  for (const auto& [module, file] : perf_map_files_) perf_maps_[module] = PerfMap::read(file.get());
  std::vector<std::vector<std::string>> out;
  for (const Site& site : sites_) {
    std::vector<std::string>& texts = out.emplace_back();
    if (!site.read) continue;
    for (const Frame& frame : site.key->second) append_names(frame, &texts);
  }
  return out;
}

}  // namespace oomcast::record
