// Forecasts what another host would have made of a recorded run. See replay.h.
#include "report/replay.h"

#include <algorithm>
#include <unordered_set>

#include "model/spec/json/json_host.h"
#include "model/trace/trace_reader.h"
#include "report/present_host.h"
#include "report/words/format.h"

namespace oomcast::report {
namespace {

using trace::EventKind;

constexpr uint64_t kPage = trace::kWatchPageBytes;
constexpr uint64_t kEventsBetweenAsks = 1024;

struct Page {
  uint32_t pid = 0;
  uint64_t address = 0;
  friend bool operator==(const Page&, const Page&) = default;
};
struct PageHash {
  size_t operator()(const Page& page) const {
    return static_cast<size_t>((page.address / kPage * 0x9e3779b97f4a7c15u) ^ page.pid);
  }
};

/// The pages whose next use the recording reported. A use that the replayed model asks for, and that the recorder did
/// not watch, is the one thing that a trace cannot give.
class Watches {
 public:
  void recorded(const trace::Event& range) {
    for (uint64_t at = range.address; at - range.address < range.bytes; at += kPage) armed_.insert({range.pid, at});
  }
  void used(const trace::Event& event) {
    if (armed_.empty() || (event.kind != EventKind::kReference && event.kind != EventKind::kTouch)) return;
    for (uint64_t at = event.address & ~(kPage - 1); at < event.address + event.bytes; at += kPage)
      armed_.erase({event.pid, at});
  }
  /// What the model asked for after one event: judged once all that the recording armed then is known.
  void ask(sim::Simulation& model) { model.take_watches(asked_); }
  void judge() {
    for (const trace::WatchRequest& watch : asked_) {
      ++wanted_;
      if (!armed_.contains({watch.pid, watch.address & ~(kPage - 1)})) ++unrecorded_;
    }
    asked_.clear();
  }
  uint64_t wanted() const { return wanted_; }
  uint64_t unrecorded() const { return unrecorded_; }

 private:
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
    done_ = event.kind != EventKind::kProcessStart && event.kind != EventKind::kComm;
    if (event.kind == EventKind::kOomScoreAdj) event.address = static_cast<uint64_t>(static_cast<int64_t>(*value_));
  }

 private:
  std::optional<int> value_;
  bool done_ = false;
};

std::string extrapolation(const Watches& watches, const trace::TraceHeader& header, const std::string& recorded_on) {
  if (watches.unrecorded() == 0) return {};
  std::string made_for = "'" + (header.recorded_for.empty() ? recorded_on : header.recorded_for) + "'";
  return "recorded for " + made_for + ": of " + count_text(static_cast<int64_t>(watches.wanted())) +
         " pages whose next use this host's reclaim would have noticed, " +
         count_text(static_cast<int64_t>(watches.unrecorded())) +
         " were not watched, so they look colder than they are; record with --record-for this host to know";
}

/// A program that looks at the limits of its cgroup (node, java) makes its heap fit them. What it would have made of
/// others is not in a recording.
std::string other_limits(const trace::CaptureSummary& capture, const host::HostSpec& recorded_on,
                         const host::HostSpec& target) {
  const std::string shown = cgroup_limits_text(recorded_on), here = cgroup_limits_text(target);
  const bool asked = std::any_of(capture.host_sensitive.begin(), capture.host_sensitive.end(),
                                 [](const std::string& what) { return what.find("cgroup") != std::string::npos; });
  if (!asked || shown == here) return {};
  return "the program asked for the limits of its cgroup, which were " + (shown.empty() ? "none" : shown) +
         " in the recording and are " + (here.empty() ? "none" : here) +
         " here: it may size itself by them, which a live run would show";
}

trace::CaptureSummary summary_of_cut(const trace::TraceHeader& header, uint64_t events) {
  trace::CaptureSummary capture;
  capture.command = header.command;
  capture.tracker = "unknown";
  capture.events = events;
  capture.cut =
      "the trace ends in the middle of the recording (the recorder was killed, its disk was full, or the file was "
      "cut): the forecast covers the run up to there; how it ended, its stacks and how much of its memory was seen are "
      "not known";
  return capture;
}

}  // namespace

Result<trace::TraceHeader> read_trace_header(std::string_view trace, const std::string& name) {
  auto reader = trace::TraceReader::open(trace, name);
  if (!reader) return reader.error();
  return reader->header();
}

Result<host::HostSpec> recorded_host(const trace::TraceHeader& header, const std::string& name) {
  // The name in the JSON wins over the one given here.
  return host::parse_json(header.host_json, name + ": host of the recording", "recorded");
}

Result<Replayed> replay(std::string_view trace, const std::string& name, host::HostSpec host,
                        const ReplaySettings& settings) {
  auto reader = trace::TraceReader::open(trace, name);
  if (!reader) return reader.error();
  const trace::TraceHeader& header = reader->header();
  auto recorded_on = recorded_host(header, name);
  if (!recorded_on) return recorded_on.error();
  sim::Options options = settings.model;
  options.recorder_cpu_loop_20m_ns = header.recorder_cpu_loop_20m_ns;
  const host::HostSpec target = host;
  sim::Simulation model(std::move(host), options);
  Watches watches;
  AdjOverride adj(settings.oom_score_adj);
  std::vector<trace::KillRequest> kills;
  uint64_t events = 0;
  trace::Record record;
  trace::TraceReader::Step step;
  while ((step = reader->next(record)) == trace::TraceReader::Step::kRecord) {
    if (record.is_watch) {
      watches.recorded(record.event);
      continue;
    }
    watches.judge();
    watches.used(record.event);
    adj.apply(record.event);
    if (++events % kEventsBetweenAsks == 0 && settings.stop &&
        settings.stop(static_cast<double>(reader->offset()) / static_cast<double>(trace.size())))
      return Error{name + ": the replay was stopped"};
    model.feed(record.event);
    watches.ask(model);
    model.take_kills(kills);
    kills.clear();
  }
  if (step == trace::TraceReader::Step::kDamaged) return Error{reader->error()};
  watches.judge();
  Replayed result;
  result.capture = step == trace::TraceReader::Step::kEnd ? reader->summary() : summary_of_cut(header, events);
  result.capture.extrapolated = extrapolation(watches, header, recorded_on->name);
  result.unrecorded_uses = !result.capture.extrapolated.empty();
  if (const std::string why = other_limits(result.capture, recorded_on.value(), target); !why.empty()) {
    result.other_limits = true;
    result.capture.extrapolated += (result.capture.extrapolated.empty() ? "" : "; ") + why;
  }
  result.outcome = model.finish();
  return result;
}

}  // namespace oomcast::report
