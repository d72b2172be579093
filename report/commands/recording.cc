// Opens a trace, and lays what is asked now over what its recording said. See recording.h.
#include "report/commands/recording.h"

#include <algorithm>
#include <map>

#include "model/spec/json/json_host.h"
#include "report/commands/target_host.h"
#include "report/services/service_spec.h"
#include "report/target.h"
#include "report/trace_file.h"

namespace oomcast::report {

namespace {

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

/// A trace that several services come from is read once.
using Traces = std::map<std::string, std::shared_ptr<const std::string>>;

Result<RecordedService> open_service(const ServiceSpec& spec, Traces& traces) {
  RecordedService service;
  service.name = spec.name;
  service.trace_name = spec.trace;
  service.start = spec.start;
  service.limits = spec.limits;
  service.cpu_node = spec.cpu_node;
  service.oom_score_adj = spec.oom_score_adj;
  std::shared_ptr<const std::string>& bytes = traces[spec.trace];
  if (!bytes) {
    auto read = read_trace_file(spec.trace);
    if (!read) return read.error();
    bytes = std::make_shared<const std::string>(std::move(read).value());
  }
  service.trace = bytes;
  auto header = read_trace_header(*bytes, spec.trace);
  if (!header) return header.error();
  if (auto set = apply_target_words(header->target_options, service.recorded); !set)
    return Error{spec.trace + ": its own options: " + set.error().message};
  return service;
}

/// The host of the recordings, if it was one and the same.
Result<host::HostSpec> common_host(const std::vector<RecordedService>& services) {
  std::string json;
  for (const RecordedService& service : services) {
    auto header = read_trace_header(*service.trace, service.trace_name);
    if (!header) return header.error();
    if (!json.empty() && header->host_json != json)
      return Error{"the recordings were made for different hosts; say with --host which one the services share"};
    json = header->host_json;
  }
  return host::parse_json(json, services.front().trace_name + ": host of the recording", "recorded");
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
      given.host == kRecordedHost ? common_host(recording.workload.services) : read_any_host(given.host, given.nth);
  if (!host) return host.error();
  auto changed = with_changes(std::move(host).value(), recording.options);
  if (!changed) return changed.error();
  recording.host = std::move(changed).value();
  number_files(recording.host);
  recording.settings.model = model_options(recording.options, recording.host);
  return recording;
}

}  // namespace

Result<Recording> open_recording(const ReplayOptions& replay, const RunOptions& given) {
  if (replay.has_services()) return open_services(replay, given);
  Recording recording;
  auto bytes = read_trace_file(replay.trace);
  if (!bytes) return bytes.error();
  recording.bytes = std::make_shared<const std::string>(std::move(bytes).value());
  recording.workload = {*recording.bytes, replay.trace};
  auto header = read_trace_header(*recording.bytes, replay.trace);
  if (!header) return header.error();
  recording.options = given;
  if (auto set = apply_target_words(header->target_options, recording.options); !set)
    return Error{replay.trace + ": its own options: " + set.error().message};
  int recorded_adj = recording.options.model.oom_score_adj;
  if (auto set = apply_target_words(given.target_words, recording.options); !set) return set.error();
  if (recording.options.model.oom_score_adj != recorded_adj)
    recording.settings.oom_score_adj = recording.options.model.oom_score_adj;
  auto host =
      given.host == kRecordedHost ? recorded_host(header.value(), replay.trace) : read_any_host(given.host, given.nth);
  if (!host) return host.error();
  auto changed = with_changes(std::move(host).value(), recording.options);
  if (!changed) return changed.error();
  recording.host = std::move(changed).value();
  number_files(recording.host);
  recording.settings.model = model_options(recording.options, recording.host);
  return recording;
}

}  // namespace oomcast::report
