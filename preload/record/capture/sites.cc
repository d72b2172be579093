// Sites: gives each run of touches its site, the sampled stack that asked for the memory or at least the kind of
// memory.
#include "preload/record/capture/sites.h"

#include <algorithm>
#include <utility>

#include "preload/ring/python_words.h"

namespace oomcast::record {
namespace {

constexpr size_t kSampledMax = 65536;
constexpr uint64_t kCodeMapsLeastNs = 100'000'000, kCodeMapsMostNs = 10'000'000'000;
using Samples = std::map<uint64_t, SampledAllocation>;

/// Whether the allocator uses the area: a sampled allocation next to the address lies in it. `next`: the first sample
/// behind the address.
bool is_of_allocator(const Process& process, const Area& area, uint64_t address, Samples::const_iterator next) {
  if (process.in_heap(address)) return true;
  const auto is_heap_in = [&](Samples::const_iterator at) {
    return at != process.sampled.end() && at->first >= area.start && at->first < area.end &&
           at->second.kind == SiteKind::kHeap;
  };
  return is_heap_in(next) || (next != process.sampled.begin() && is_heap_in(std::prev(next)));
}

/// The kind of memory without a sample, as far as its mapping tells.
SiteKind kind_of(const Process& process, const Area& area, uint64_t address, Samples::const_iterator next) {
  if (area.shared) return SiteKind::kShared;
  if (area.stack) return SiteKind::kStack;
  if (!area.anonymous) return area.text ? SiteKind::kText : SiteKind::kFile;
  return is_of_allocator(process, area, address, next) ? SiteKind::kHeap : SiteKind::kUnsampled;
}

}  // namespace

Sites::Run Sites::at(const Process& process, uint64_t address, uint64_t limit) {
  const auto next = process.sampled.upper_bound(address);
  if (next != process.sampled.end()) limit = std::min(limit, next->first);
  const Area* const area = process.map.find(address);
  if (area != nullptr) limit = std::min(limit, area->end);
  if (next != process.sampled.begin()) {
    const SampledAllocation& sample = std::prev(next)->second;
    if (address < sample.end) return {sample.stack_id, std::min(limit, sample.end)};
  }
  const SiteKind kind = area == nullptr ? SiteKind::kUnsampled : kind_of(process, *area, address, next);
  return {kind == SiteKind::kUnsampled ? 0 : stacks_.intern_kind(kind), limit};
}

/// The process's executable mappings. They are read again if a counter lies outside them, as after the load of a
/// library. If the new mappings do not contain it either (code written at run time), the next readings come less and
/// less often.
const std::vector<Vma>& Sites::code_maps(Process& process, std::span<const uint64_t> counters) {
  CodeMaps& code = process.code;
  const auto known = [&](uint64_t counter) {
    const auto at = std::upper_bound(code.maps.begin(), code.maps.end(), counter,
                                     [](uint64_t value, const Vma& vma) { return value < vma.end; });
    return at != code.maps.end() && counter >= at->start;
  };
  const auto all_known = [&] {
    return std::all_of(counters.begin(), counters.end(), [&](uint64_t counter) {
      return counter == 0 || ring::is_python_word(counter) || known(counter);
    });
  };
  const uint64_t now = clocks_.now_ns();
  if (now < code.next_read_ns || (!code.maps.empty() && all_known())) return code.maps;
  code.maps = process.memory->mappings();
  std::erase_if(code.maps, [](const Vma& vma) { return !vma.executable; });
  code.wait_ns = all_known() ? kCodeMapsLeastNs : std::clamp(code.wait_ns * 2, kCodeMapsLeastNs, kCodeMapsMostNs);
  code.next_read_ns = now + code.wait_ns;
  return code.maps;
}

/// A new sample inside a larger one (a piece mapped inside a reservation) leaves the part behind the piece to the
/// larger one.
void Sites::put_sample(Process& process, uint64_t start, const SampledAllocation& sample) {
  const auto next = process.sampled.upper_bound(start);
  if (next != process.sampled.begin()) {
    const SampledAllocation outer = std::prev(next)->second;
    if (outer.large && outer.end > sample.end) process.sampled.try_emplace(sample.end, outer);
  }
  // Older samples in the range of this one are outdated.
  if (sample.large) process.sampled.erase(process.sampled.lower_bound(start), process.sampled.lower_bound(sample.end));
  process.sampled[start] = sample;
}

void Sites::move_samples(Process& process, uint64_t from, uint64_t to, uint64_t bytes) {
  std::map<uint64_t, SampledAllocation> moved;
  const auto first = process.sampled.lower_bound(from), last = process.sampled.lower_bound(from + bytes);
  for (auto at = first; at != last; ++at) {
    SampledAllocation sample = at->second;
    sample.end = std::min(sample.end, from + bytes) - from + to;
    moved[at->first - from + to] = sample;
  }
  process.sampled.erase(first, last);
  process.sampled.erase(process.sampled.lower_bound(to), process.sampled.lower_bound(to + bytes));
  process.sampled.merge(moved);
}

uint32_t Sites::take_sample(Process& process, const trace::Event& note, std::span<const uint64_t> counters) {
  const bool mapping = note.flags & trace::kMapping, thread_stack = note.flags & trace::kThreadStack;
  const SiteKind kind = thread_stack ? SiteKind::kStack : mapping ? SiteKind::kMmap : SiteKind::kHeap;
  SampledAllocation sample{page_up(note.address + note.bytes), 0, false, kind};
  uint64_t start = page_down(note.address);
  if (thread_stack) {
    Vma vma;
    if (!process.memory->mapping_at(note.address, &vma) || !vma.anonymous()) return 0;
    start = vma.start;
    sample.end = vma.end;
  }
  if (mapping && (note.flags & trace::kSharedMapping) != 0) sample.kind = SiteKind::kShared;
  sample.stack_id = stacks_.intern(counters, code_maps(process, counters), sample.kind, process.pid, &process.python);
  if (sample.stack_id == 0) return 0;
  stacks_.will_be_read(sample.stack_id);
  // A small allocation stands for all allocations behind it up to the next sample.
  const auto period = static_cast<uint64_t>(sample_bytes_);
  sample.large = mapping || thread_stack || note.bytes >= period;
  if (!sample.large) sample.end = page_up(note.address + period);
  if (process.sampled.size() >= kSampledMax) process.sampled.clear();
  put_sample(process, start, sample);
  return sample.stack_id;
}

}  // namespace oomcast::record
