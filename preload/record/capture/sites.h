// Sites: gives each run of touches its site, the sampled stack that asked for the memory or at least the kind of
// memory.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/trace/event.h"
#include "preload/record/guest/guest_process.h"
#include "preload/record/kernel/clocks.h"
#include "preload/record/stacks/stack_table.h"

namespace oomcast::record {

class Sites {
 public:
  /// Pages up to `end` that have the site `id` (0: none is known).
  struct Run {
    uint32_t id = 0;
    uint64_t end = 0;
  };

  /// `sample_bytes`: the library samples one stack per so many allocated bytes.
  Sites(StackTable& stacks, const Clocks& clocks, int64_t sample_bytes)
      : stacks_(stacks), clocks_(clocks), sample_bytes_(sample_bytes) {}

  /// The site of the page at `address`, and the address up to which all pages have it, at most `limit`. REQUIRES:
  /// address < limit.
  Run at(const Process& process, uint64_t address, uint64_t limit);
  uint32_t of_kind(SiteKind kind) { return stacks_.intern_kind(kind); }
  /// Takes a note of a sampled allocation, mapping or thread stack. Returns the id of its site; 0: it has none.
  uint32_t take_sample(Process& process, const trace::Event& note, std::span<const uint64_t> counters);
  /// mremap() has moved `bytes` from `from` to `to`: the memory keeps its sites.
  static void move_samples(Process& process, uint64_t from, uint64_t to, uint64_t bytes);

 private:
  const std::vector<Vma>& code_maps(Process& process, std::span<const uint64_t> counters);
  static void put_sample(Process& process, uint64_t start, const SampledAllocation& sample);

  StackTable& stacks_;
  const Clocks& clocks_;
  int64_t sample_bytes_;
};

}  // namespace oomcast::record
