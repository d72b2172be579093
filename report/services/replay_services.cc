// Forecasts several recorded programs on one host. See replay_services.h.
#include "report/services/replay_services.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "model/host/service.h"
#include "model/spec/read_host.h"
#include "model/trace/event_merge.h"
#include "model/trace/stream_numbers.h"
#include "model/trace/trace_reader.h"
#include "report/services/merged_capture.h"
#include "report/target.h"

namespace oomcast::report {
namespace {

using trace::TraceReader;

std::string group_path(const host::HostSpec& host, const RecordedService& service) {
  return host.cgroup.path + "/" + service.name;
}

/// The host with a group for each service that has limits, below the program's group, which all services share.
Result<host::HostSpec> with_groups(host::HostSpec host, const std::vector<RecordedService>& services) {
  const auto has = [&](const std::string& path) {
    return std::any_of(host.cgroups.begin(), host.cgroups.end(),
                       [&](const host::CgroupSpec& each) { return each.path == path; });
  };
  // A parent stands before its children.
  if (host.cgroup.present && !has(host.cgroup.path)) host.cgroups.push_back(host.cgroup);
  for (const RecordedService& service : services) {
    if (service.limits.empty()) continue;
    host::HostSpec limited;
    for (const std::string& limit : service.limits)
      if (auto set = host::set_cgroup(limited, limit); !set) return Error{service.name + ": " + set.error().message};
    limited.cgroup.path = group_path(host, service);
    if (has(limited.cgroup.path))
      return Error{service.name + ": the host has a cgroup " + limited.cgroup.path + " already; give it another name"};
    host.cgroups.push_back(limited.cgroup);
  }
  if (auto valid = host::validate(host); !valid) return valid.error();
  return host;
}

/// A service's own options come first, then the command line's, then those of its recording.
Result<sim::ServiceOptions> place(const RecordedService& service, const host::HostSpec& host,
                                  const sim::Options& of_all, const std::optional<int>& adj_of_all) {
  RunOptions options = service.recorded;
  if (of_all.cpu_node >= 0) options.model.cpu_node = of_all.cpu_node;
  if (service.cpu_node) options.model.cpu_node = *service.cpu_node;
  if (adj_of_all) options.model.oom_score_adj = *adj_of_all;
  if (service.oom_score_adj) options.model.oom_score_adj = *service.oom_score_adj;
  if (auto placed = check_placement(options, host); !placed) return Error{service.name + ": " + placed.error().message};
  sim::ServiceOptions out;
  static_cast<sim::Placement&>(out) = model_options(options, host);
  if (of_all.policy_mode != host::PolicyMode::kDefault) {
    out.policy_mode = of_all.policy_mode;
    out.policy_nodes = of_all.policy_nodes;
  }
  out.name = service.name;
  out.memory_request = service.memory_request;
  out.priority = service.priority;
  out.start = service.start;
  if (!service.limits.empty()) out.cgroup = group_path(host, service);
  if (!service.tmpfs) return out;
  host::HostSpec container;
  for (const std::string& mount : *service.tmpfs)
    if (auto set = host::set_tmpfs(container, mount); !set) return Error{service.name + ": " + set.error().message};
  out.tmpfs = std::move(container.tmpfs);
  return out;
}

/// A recording on its way into the merge: its numbers are told apart from those of the others.
class Stream final : public trace::RecordSource {
 public:
  Stream(TraceReader reader, size_t number, trace::StackNumbers& stacks, std::optional<int> adj)
      : reader_(std::move(reader)), numbers_(number, stacks), adj_(adj) {}

  TraceReader::Step next(trace::Record& out) override {
    const TraceReader::Step step = reader_.next(out);
    if (step != TraceReader::Step::kRecord) return step;
    if (!out.is_watch) adj_.apply(out.event);
    if (numbers_.apply(out.event)) return step;
    no_pid_ = true;
    return TraceReader::Step::kDamaged;
  }
  const TraceReader& reader() const { return reader_; }
  std::string error(const std::string& name) const {
    return no_pid_ ? name + ": a process id that no Linux gives; record it again" : reader_.error();
  }

 private:
  TraceReader reader_;
  trace::StreamNumbers numbers_;
  AdjOverride adj_;
  bool no_pid_ = false;
};

class ModelClock final : public trace::MergeClock {
 public:
  explicit ModelClock(sim::Simulation& model) : model_(model) {}
  std::optional<Nanoseconds> due(size_t stream, const trace::Event& event) override {
    return model_.due(event, stream);
  }
  bool pass(Nanoseconds limit) override { return model_.pass(limit); }

 private:
  sim::Simulation& model_;
};

/// One replay of several recordings.
class ServicesReplay {
 public:
  ServicesReplay(const std::vector<RecordedService>& services, host::HostSpec host, sim::Options options)
      : services_(services), target_(host), model_(std::move(host), std::move(options)), clock_(model_) {}

  Result<void> open(const std::vector<std::optional<int>>& adjs) {
    std::vector<std::unique_ptr<trace::RecordSource>> sources;
    for (size_t s = 0; s < services_.size(); ++s) {
      auto reader = TraceReader::open(*services_[s].trace, services_[s].trace_name);
      if (!reader) return reader.error();
      auto recorded_on = recorded_host(reader->header(), services_[s].trace_name);
      if (!recorded_on) return recorded_on.error();
      recorded_on_.push_back(std::move(recorded_on).value());
      auto stream = std::make_unique<Stream>(std::move(reader).value(), s, stacks_, adjs[s]);
      streams_.push_back(stream.get());
      sources.push_back(std::move(stream));
      bytes_ += services_[s].trace->size();
    }
    watches_.resize(services_.size());
    events_.resize(services_.size());
    merge_ = std::make_unique<trace::EventMerge>(std::move(sources), clock_);
    return {};
  }

  Result<void> run(const std::function<bool(double)>& stop) {
    trace::EventMerge::Item item;
    trace::EventMerge::Step step;
    uint64_t taken = 0;
    while ((step = merge_->next(item)) == trace::EventMerge::Step::kItem) {
      if (item.record.is_watch) {
        watches_[item.stream].recorded(item.record.event);
        continue;
      }
      if (++taken % kEventsBetweenAsks == 0 && stop && stop(done())) return Error{"the replay was stopped"};
      feed(item);
    }
    if (step == trace::EventMerge::Step::kDamaged)
      return Error{streams_[item.stream]->error(services_[item.stream].trace_name)};
    for (Watches& watches : watches_) watches.judge();
    return {};
  }

  Replayed finish() {
    Replayed result;
    std::vector<trace::CaptureSummary> captures;
    std::vector<trace::ServiceCapture> ends;
    for (size_t s = 0; s < services_.size(); ++s) {
      captures.push_back(capture_of(s, result));
      const trace::CaptureSummary& one = captures.back();
      ends.push_back({services_[s].name, services_[s].trace_name, one.command, one.exited, one.exit_code,
                      one.exit_signal, !one.cut.empty(), !one.still_running.empty()});
    }
    result.capture = merged_capture(captures, ends, stacks_);
    result.outcome = model_.finish();
    return result;
  }

 private:
  void feed(const trace::EventMerge::Item& item) {
    for (Watches& watches : watches_) watches.judge();
    watches_[item.stream].used(item.record.event);
    ++events_[item.stream];
    model_.feed(item.record.event, item.stream);
    model_.take_watches(asked_);
    for (const trace::WatchRequest& watch : asked_) {
      const size_t stream = watch.pid / trace::StreamNumbers::kPidStep;
      watches_[std::min(stream, watches_.size() - 1)].ask(watch);
    }
    asked_.clear();
    model_.take_kills(kills_);
    kills_.clear();
  }

  double done() const {
    size_t read = 0;
    for (const Stream* stream : streams_) read += stream->reader().offset();
    return static_cast<double>(read) / static_cast<double>(std::max<size_t>(1, bytes_));
  }

  trace::CaptureSummary capture_of(size_t s, Replayed& result) const {
    const TraceReader& reader = streams_[s]->reader();
    const bool whole = merge_->end_of(s) == TraceReader::Step::kEnd;
    trace::CaptureSummary capture = whole ? reader.summary() : summary_of_cut(reader.header(), events_[s]);
    host::HostSpec target = target_;
    const std::string path = group_path(target_, services_[s]);
    for (const host::CgroupSpec& group : target_.cgroups)
      if (!services_[s].limits.empty() && group.path == path) target.cgroup = group;
    note_what_is_not_recorded(watches_[s], reader.header(), recorded_on_[s], target, capture, result);
    return capture;
  }

  const std::vector<RecordedService>& services_;
  const host::HostSpec target_;
  sim::Simulation model_;
  ModelClock clock_;
  trace::StackNumbers stacks_;
  std::vector<Stream*> streams_;  // the merge owns them
  std::unique_ptr<trace::EventMerge> merge_;
  std::vector<host::HostSpec> recorded_on_;
  std::vector<Watches> watches_;  // indexed by stream
  std::vector<uint64_t> events_;  // indexed by stream
  std::vector<trace::WatchRequest> asked_;
  std::vector<trace::KillRequest> kills_;
  size_t bytes_ = 0;
};

}  // namespace

Result<Replayed> replay_services(const std::vector<RecordedService>& services, host::HostSpec host,
                                 const ReplaySettings& settings) {
  auto grouped = with_groups(std::move(host), services);
  if (!grouped) return grouped.error();
  sim::Options options = settings.model;
  std::vector<std::optional<int>> adjs;
  for (const RecordedService& service : services) {
    auto placed = place(service, grouped.value(), settings.model, settings.oom_score_adj);
    if (!placed) return placed.error();
    auto header = read_trace_header(*service.trace, service.trace_name);
    if (!header) return header.error();
    placed->recorder_cpu_loop_20m_ns = header->recorder_cpu_loop_20m_ns;
    adjs.push_back(service.oom_score_adj ? service.oom_score_adj : settings.oom_score_adj);
    options.services.push_back(std::move(placed).value());
  }
  ServicesReplay replay(services, std::move(grouped).value(), std::move(options));
  if (auto opened = replay.open(adjs); !opened) return opened.error();
  if (auto ran = replay.run(settings.stop); !ran) return ran.error();
  return replay.finish();
}

}  // namespace oomcast::report
