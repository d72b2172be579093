// Compares the uses that a replay's model asks for with the uses that the recording holds, and replaces oom_score_adj.
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

/// The pages whose next use the recording reports. If the replayed model asks for the next use of a page that the
/// recorder did not watch, the trace cannot answer: the page looks unused.
class Watches {
 public:
  void recorded(const trace::Event& range);
  void used(const trace::Event& event);
  /// Takes what the model asked for after one event. judge() decides once the watches that the recording armed then are
  /// known.
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

/// Replaces the root's --oom-score-adj, which the recording holds as one event near its start.
class AdjOverride {
 public:
  explicit AdjOverride(std::optional<int> value) : value_(value) {}
  void apply(trace::Event& event) {
    if (!value_ || done_) return;
    // What the recorder reports of a process at its start (ProcessLife).
    done_ = event.kind != trace::EventKind::kProcessStart && event.kind != trace::EventKind::kComm &&
            event.kind != trace::EventKind::kLimit;
    if (event.kind == trace::EventKind::kOomScoreAdj)
      event.address = static_cast<uint64_t>(static_cast<int64_t>(*value_));
  }

 private:
  std::optional<int> value_;
  bool done_ = false;
};

/// A replay calls ReplaySettings::stop once per this many events.
inline constexpr uint64_t kEventsBetweenAsks = 1024;

/// Returns why the recording tells less than a live run on this host would, a clause; empty: it tells all.
std::string extrapolation(const Watches& watches, const trace::TraceHeader& header, const std::string& recorded_on);

/// A program that reads the limits of its cgroup (node, java) sizes its heap by them, so that a recording says little
/// about other limits. Returns that as a clause; empty: the program did not read its limits, or they are equal.
/// HostSpec::cgroup of both hosts is the program's group.
std::string other_limits(const trace::CaptureSummary& capture, const host::HostSpec& recorded_on,
                         const host::HostSpec& target);

/// Returns what is known of a recording that breaks off after `events` events.
trace::CaptureSummary summary_of_cut(const trace::TraceHeader& header, uint64_t events);

}  // namespace oomcast::report
