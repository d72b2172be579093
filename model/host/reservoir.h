// The reservoir of an LRU list: counts of the pages that were on the list before the run, until reclaim looks at them.
#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "model/host/page.h"
#include "model/spec/host_spec.h"

namespace oomcast::host {

/// Pages of one process (kNoProcess: page cache and other memory of the host) in one zone.
struct Reservoir {
  ProcessIndex owner = kNoProcess;
  ZoneKind zone = ZoneKind::kDma;
  int64_t count = 0;
  bool held = false;  // block-device pages whose buffers a mounted file system holds: never freed
};

class ReservoirStack {
 public:
  int64_t size() const { return pages_; }
  void add(Reservoir entry) {
    if (entry.count == 0) return;
    pages_ += entry.count;
    entries_.push_back(entry);
  }
  /// Takes one page, from the last entry first. REQUIRES: size() > 0.
  Reservoir take() {
    while (entries_.back().count == 0) entries_.pop_back();
    Reservoir& entry = entries_.back();
    --entry.count;
    --pages_;
    return {entry.owner, entry.zone, 1, entry.held};
  }
  /// Takes up to `want` pages of one owner (a process that has exited). Returns the counts by zone.
  ByZone<int64_t> drop_owner(ProcessIndex owner, int64_t want) {
    ByZone<int64_t> dropped{};
    for (Reservoir& entry : entries_) {
      if (entry.owner != owner || want == 0) continue;
      const int64_t n = entry.count < want ? entry.count : want;
      entry.count -= n;
      want -= n;
      pages_ -= n;
      dropped[entry.zone] += n;
    }
    return dropped;
  }
  std::vector<Reservoir> take_all() {
    pages_ = 0;
    return std::exchange(entries_, {});
  }
  /// Moves the entries for which `which(entry)` is true to the end of `other`, in order.
  template <class F>
  void move_to(ReservoirStack& other, F&& which) {
    std::vector<Reservoir> kept;
    for (const Reservoir& entry : entries_) {
      if (!which(entry)) {
        kept.push_back(entry);
        continue;
      }
      pages_ -= entry.count;
      other.add(entry);
    }
    entries_ = std::move(kept);
  }

 private:
  int64_t pages_ = 0;
  std::vector<Reservoir> entries_;
};

}  // namespace oomcast::host
