// The reservoirs of a lruvec, with either LRU. See lruvec.h.
#include "model/host/lruvec.h"

namespace oomcast::host {

int64_t Lruvec::reserved(LruKindIndex kind) const {
  if (!in_gens(kind)) return list(kind).reserved();
  int64_t sum = 0;
  for (size_t gen = 0; gen < kGenerations; ++gen) {
    if (gens->is_active(gen) != is_active_list(kind)) continue;
    for (const GenList& each : gens->lists[gen][is_file_list(kind)]) sum += each.reservoir.size();
  }
  return sum;
}

Reservoir Lruvec::take_reserved(LruKindIndex kind) {
  if (!in_gens(kind)) return list(kind).take_reserved();
  for (size_t gen = 0; gen < kGenerations; ++gen) {
    if (gens->is_active(gen) != is_active_list(kind)) continue;
    for (const ZoneKind zone : kZonesAscending) {
      GenList& from = gens->lists[gen][is_file_list(kind)][zone];
      if (from.reservoir.size() == 0) continue;
      --gens->nr_pages[gen][is_file_list(kind)][zone];
      return from.reservoir.take();
    }
  }
  OOMCAST_CHECK(false);
  return {};
}

ByZone<int64_t> Lruvec::drop_owner(ProcessIndex owner, int64_t want) {
  ByZone<int64_t> sum{};
  const auto add = [&](const ByZone<int64_t>& dropped) {
    for (const ZoneKind z : kZonesAscending) {
      sum[z] += dropped[z];
      want -= dropped[z];
    }
  };
  for (LruList& each : lists) add(each.drop_owner(owner, want));
  for (size_t gen = 0; gens && gen < kGenerations; ++gen) {
    for (size_t type = 0; type < kGenTypes; ++type) {
      for (const ZoneKind zone : kZonesAscending) {
        const auto dropped = gens->lists[gen][type][zone].reservoir.drop_owner(owner, want);
        gens->nr_pages[gen][type][zone] -= dropped[zone];
        add(dropped);
      }
    }
  }
  return sum;
}

void Lruvec::start_generations() {
  gens = std::make_unique<LruGen>();
  for (size_t i = 0; i < static_cast<size_t>(kEvictableLists); ++i) {
    const auto kind = static_cast<LruKindIndex>(i);
    const size_t type = is_file_list(kind);
    // Active pages were faulted in: the youngest generation. Inactive file pages came by read(): the second oldest.
    // Inactive anonymous pages have aged: the oldest.
    const uint64_t seq = is_active_list(kind) ? gens->max_seq : gens->min_seq[type] + (type == kGenFile ? 1 : 0);
    ByZone<GenList>& to = gens->lists[gen_of_seq(seq)][type];
    for (const Reservoir& entry : lists[kind].take_reservoir()) {
      gens->nr_pages[gen_of_seq(seq)][type][entry.zone] += entry.count;
      to[entry.zone].reservoir.add(entry);
    }
  }
}

}  // namespace oomcast::host
