// Watches the tightest moments of a run: by how much it missed the next worse verdict, and by how much the next better
// one.
#pragma once

#include <cstdint>
#include <optional>

#include "model/host/host.h"
#include "model/sim/outcome.h"

namespace oomcast::sim {

class Margins {
 public:
  /// After each event. `one_node`: a task's memory has to come from one node (headroom.h).
  void note(const host::Host& host, bool one_node, const Incidents& incidents);
  /// `need_after_kill`: what the run went on to need after the first kill.
  NextVerdicts finish(const Incidents& incidents, Verdict verdict, std::optional<Bytes> need_after_kill) const;

 private:
  /// Demand for pages at the first incident of a kind, and the most since.
  struct Overrun {
    std::optional<int64_t> begin;
    int64_t most = 0;
    void note(bool happened, int64_t demand);
    int64_t pages() const { return begin ? most - *begin : 0; }
  };

  // The least there was, in pages: above the low mark, above the min mark, below a group's limit, and all that could
  // have been had in any way before a kill.
  int64_t above_low_ = INT64_MAX, above_min_ = INT64_MAX, group_left_ = INT64_MAX, to_kill_ = INT64_MAX;
  Overrun since_scan_, since_direct_;
};

}  // namespace oomcast::sim
