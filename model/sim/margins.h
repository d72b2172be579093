// By how many bytes a run missed the next worse verdict, and by how many the next better one.
#pragma once

#include <cstdint>
#include <optional>

#include "model/host/host.h"
#include "model/sim/outcome.h"

namespace oomcast::sim {

class Margins {
 public:
  /// Call after each event. `one_node`: see headroom.h.
  void note(const host::Host& host, bool one_node, const Incidents& incidents);
  /// Call at the end. `need_after_kill`: KillNeed::need().
  NextVerdicts finish(const Incidents& incidents, Verdict verdict, std::optional<Bytes> need_after_kill) const;

 private:
  /// Demand for pages (see margins.cc) at the first incident of a kind, and the highest demand since.
  struct Overrun {
    std::optional<int64_t> begin;
    int64_t most = 0;
    void note(bool happened, int64_t demand);
    int64_t pages() const { return begin ? most - *begin : 0; }
  };

  // Minima over the run, in pages: above the low marks, above the min marks, below a cgroup's limit, and everything
  // that could be freed or swapped out before an OOM kill.
  int64_t above_low_ = INT64_MAX, above_min_ = INT64_MAX, group_left_ = INT64_MAX, to_kill_ = INT64_MAX;
  Overrun since_scan_, since_direct_;
};

}  // namespace oomcast::sim
