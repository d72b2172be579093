// Forecasts what another host would have made of a recorded run. See replay.h.
#include "report/replay.h"

#include "model/spec/json/json_host.h"
#include "model/trace/trace_reader.h"
#include "report/services/replay_services.h"

namespace oomcast::report {

void note_what_is_not_recorded(const Watches& watches, const trace::TraceHeader& header,
                               const host::HostSpec& recorded_on, const host::HostSpec& target,
                               trace::CaptureSummary& capture, Replayed& replayed) {
  capture.extrapolated = extrapolation(watches, header, recorded_on.name);
  replayed.unrecorded_uses |= !capture.extrapolated.empty();
  const std::string why = other_limits(capture, recorded_on, target);
  if (why.empty()) return;
  replayed.other_limits = true;
  capture.extrapolated += (capture.extrapolated.empty() ? "" : "; ") + why;
}

Result<trace::TraceHeader> read_trace_header(std::string_view trace, const std::string& name) {
  auto reader = trace::TraceReader::open(trace, name);
  if (!reader) return reader.error();
  return reader->header();
}

Result<host::HostSpec> recorded_host(const trace::TraceHeader& header, const std::string& name) {
  // If the JSON holds a name, the name in the JSON counts.
  return host::parse_json(header.host_json, name + ": host of the recording", "recorded");
}

Result<Replayed> replay(const Workload& workload, host::HostSpec host, const ReplaySettings& settings) {
  if (!workload.services.empty()) return replay_services(workload.services, std::move(host), settings);
  return replay(workload.trace, workload.name, std::move(host), settings);
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
  note_what_is_not_recorded(watches, header, recorded_on.value(), target, result.capture, result);
  result.outcome = model.finish();
  return result;
}

}  // namespace oomcast::report
