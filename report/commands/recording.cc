// Opens a trace, and lays what is asked now over what its recording said. See recording.h.
#include "report/commands/recording.h"

#include <algorithm>
#include <map>

#include "report/commands/target_host.h"
#include "report/fit/limits_from.h"
#include "report/services/service_spec.h"
#include "report/target.h"
#include "report/target_options.h"
#include "report/trace_file.h"

namespace oomcast::report {

namespace {

/// The recording on the host, with the changes that its options ask for.
Result<Recording> on_host(Recording recording, Result<host::HostSpec> host) {
  if (!host) return host.error();
  const int adj = recording.options.model.oom_score_adj;
  if (auto taken = take_limits_from(recording.options, host.value()); !taken) return taken.error();
  if (recording.options.model.oom_score_adj != adj)
    recording.settings.oom_score_adj = recording.options.model.oom_score_adj;
  auto changed = with_changes(std::move(host).value(), recording.options);
  if (!changed) return changed.error();
  recording.host = std::move(changed).value();
  number_files(recording.host);
  recording.settings.model = model_options(recording.options, recording.host);
  return recording;
}

/// The services that are asked for, copies apart.
Result<std::vector<ServiceSpec>> asked_services(const ReplayOptions& replay) {
  std::vector<ServiceSpec> services;
  for (const std::string& trace : replay.traces) services.push_back(service_of_trace(trace));
  for (const std::string& words : replay.services) {
    auto service = parse_service(words);
    if (!service) return service.error();
    services.push_back(std::move(service).value());
  }
  if (!replay.services_file.empty()) {
    auto more = read_services(replay.services_file);
    if (!more) return more.error();
    services.insert(services.end(), more->begin(), more->end());
  }
  return expanded(services);
}

/// A trace that several services come from is read once, by its path.
struct OpenedTrace {
  std::shared_ptr<const std::string> bytes;
  trace::TraceHeader header;
};
using Traces = std::map<std::string, OpenedTrace>;

Result<OpenedTrace> open_trace(const std::string& path) {
  auto bytes = read_trace_file(path);
  if (!bytes) return bytes.error();
  auto header = read_trace_header(bytes.value(), path);
  if (!header) return header.error();
  return OpenedTrace{std::make_shared<const std::string>(std::move(bytes).value()), std::move(header).value()};
}

/// What the service's own manifest says; what is said of the service itself wins.
Result<void> take_manifest(const ServiceSpec& spec, const host::HostSpec& host, RecordedService& service,
                           std::vector<std::string>& assumed) {
  service.memory_request = spec.memory_request.value_or(Bytes(0));
  service.priority = spec.priority.value_or(0);
  if (spec.limits_from.empty()) return {};
  auto read = read_limits(spec.limits_from);
  if (!read) return Error{spec.name + ": limits-from=" + read.error().message};
  LimitsOnHost limits = report::on_host(read.value(), host);
  // Each pod is in a group of its own, limited or not.
  if (read->pod && limits.cgroup.empty()) limits.cgroup = {"memory.max=max"};
  limits.cgroup.insert(limits.cgroup.end(), spec.limits.begin(), spec.limits.end());
  for (std::string& what : limits.assumed)
    if (std::find(assumed.begin(), assumed.end(), what) == assumed.end()) assumed.push_back(std::move(what));
  service.limits = std::move(limits.cgroup);
  service.tmpfs = std::move(limits.tmpfs);
  if (!service.oom_score_adj) service.oom_score_adj = limits.oom_score_adj;
  if (!spec.memory_request) service.memory_request = limits.memory_request;
  if (!spec.priority) service.priority = limits.priority;
  return {};
}

Result<RecordedService> open_service(const ServiceSpec& spec, Traces& traces) {
  RecordedService service;
  service.name = spec.name;
  service.trace_name = spec.trace;
  service.start = spec.start;
  service.limits = spec.limits;
  service.cpu_node = spec.cpu_node;
  service.oom_score_adj = spec.oom_score_adj;
  auto trace = traces.find(spec.trace);
  if (trace == traces.end()) {
    auto opened = open_trace(spec.trace);
    if (!opened) return opened.error();
    trace = traces.emplace(spec.trace, std::move(opened).value()).first;
  }
  service.trace = trace->second.bytes;
  if (auto set = apply_target_words(trace->second.header.target_options, service.recorded); !set)
    return Error{spec.trace + ": its own options: " + set.error().message};
  return service;
}

/// The host of the recordings, if it was one and the same.
Result<host::HostSpec> common_host(const Traces& traces, const std::string& first) {
  const std::string& json = traces.at(first).header.host_json;
  for (const auto& [path, trace] : traces)
    if (trace.header.host_json != json)
      return Error{"the recordings were made for different hosts; say with --host which one the services share"};
  return recorded_host(traces.at(first).header, first);
}

Result<Recording> open_services(const ReplayOptions& replay, const RunOptions& given) {
  auto specs = asked_services(replay);
  if (!specs) return specs.error();
  Recording recording;
  Traces traces;
  for (const ServiceSpec& spec : specs.value()) {
    auto service = open_service(spec, traces);
    if (!service) return service.error();
    recording.workload.services.push_back(std::move(service).value());
  }
  recording.options = given;
  const auto is_adj = [](const std::string& word) { return word.starts_with("--oom-score-adj="); };
  if (std::any_of(given.target_words.begin(), given.target_words.end(), is_adj))
    recording.settings.oom_score_adj = given.model.oom_score_adj;
  auto host =
      given.host == kRecordedHost ? common_host(traces, specs->front().trace) : read_any_host(given.host, given.nth);
  if (!host) return host.error();
  const auto settled = with_settings(host.value(), given);
  if (!settled) return settled.error();
  for (size_t s = 0; s < specs->size(); ++s)
    if (auto taken =
            take_manifest(specs.value()[s], settled.value(), recording.workload.services[s], host.value().assumed);
        !taken)
      return taken.error();
  return on_host(std::move(recording), std::move(host));
}

}  // namespace

Result<Recording> open_recording(const ReplayOptions& replay, const RunOptions& given) {
  if (replay.has_services()) return open_services(replay, given);
  Recording recording;
  auto trace = open_trace(replay.trace);
  if (!trace) return trace.error();
  recording.bytes = trace->bytes;
  recording.workload = {*recording.bytes, replay.trace};
  recording.options = given;
  if (auto set = apply_target_words(trace->header.target_options, recording.options); !set)
    return Error{replay.trace + ": its own options: " + set.error().message};
  int recorded_adj = recording.options.model.oom_score_adj;
  if (auto set = apply_target_words(given.target_words, recording.options); !set) return set.error();
  if (recording.options.model.oom_score_adj != recorded_adj)
    recording.settings.oom_score_adj = recording.options.model.oom_score_adj;
  auto host =
      given.host == kRecordedHost ? recorded_host(trace->header, replay.trace) : read_any_host(given.host, given.nth);
  return on_host(std::move(recording), std::move(host));
}

}  // namespace oomcast::report
