// Compares what the model of a replay asks for with what the recording tells, and puts another oom_score_adj in place.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "model/sim/simulation.h"
#include "model/trace/capture_summary.h"
#include "model/trace/event_codec.h"
#include "model/trace/event_sink.h"
#include "model/trace/trace_fields.h"

namespace oomcast::report {

/// The pages whose next use the recording reported. A use that the replayed model asks for, and that the recorder did
/// not watch, is the one thing that a trace cannot give.
class Watches {
 public:
  void recorded(const trace::Event& range);
  void used(const trace::Event& event);
  /// What the model asked for after one event: judged once all that the recording armed then is known.
  void ask(const trace::WatchRequest& watch) { asked_.push_back(watch); }
  void ask(sim::Simulation& model) { model.take_watches(asked_); }
  void judge();
  uint64_t wanted() const { return wanted_; }
  uint64_t unrecorded() const { return unrecorded_; }

 private:
  struct Page {
    uint32_t pid = 0;
    uint64_t address = 0;
    friend bool operator==(const Page&, const Page&) = default;
  };
  struct PageHash {
    size_t operator()(const Page& page) const {
      return static_cast<size_t>((page.address / trace::kWatchPageBytes * 0x9e3779b97f4a7c15u) ^ page.pid);
    }
  };
  std::unordered_set<Page, PageHash> armed_;
  std::vector<trace::WatchRequest> asked_;
  uint64_t wanted_ = 0, unrecorded_ = 0;
};

/// The recorder tells the root's --oom-score-adj as one event near the front; another value takes its place.
class AdjOverride {
 public:
  explicit AdjOverride(std::optional<int> value) : value_(value) {}
  void apply(trace::Event& event) {
    if (!value_ || done_) return;
    done_ = event.kind != trace::EventKind::kProcessStart && event.kind != trace::EventKind::kComm;
    if (event.kind == trace::EventKind::kOomScoreAdj)
      event.address = static_cast<uint64_t>(static_cast<int64_t>(*value_));
  }

 private:
  std::optional<int> value_;
  bool done_ = false;
};

/// So often a replay asks whether to go on.
inline constexpr uint64_t kEventsBetweenAsks = 1024;

/// Why the recording tells less than a live run on this host would, a clause; empty: it does not.
std::string extrapolation(const Watches& watches, const trace::TraceHeader& header, const std::string& recorded_on);

/// A program that looks at the limits of its cgroup (node, java) makes its heap fit them. What it would have made of
/// others is not in a recording. `host.cgroup` of both is the program's. Empty: it did not ask, or they are the same.
std::string other_limits(const trace::CaptureSummary& capture, const host::HostSpec& recorded_on,
                         const host::HostSpec& target);

/// What is known of a recording that ends early, after `events` events.
trace::CaptureSummary summary_of_cut(const trace::TraceHeader& header, uint64_t events);

}  // namespace oomcast::report
