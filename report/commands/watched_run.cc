// Sets up the recorder, the model and their listeners. See watched_run.h.
#include "report/commands/watched_run.h"

#include <cstdio>

#include "model/spec/read_host.h"
#include "report/commands/target_host.h"
#include "report/present_host.h"
#include "report/target.h"

namespace oomcast::report {

record::RecordOptions recorder_options(const RunOptions& options) {
  record::RecordOptions recorder = options.recorder;
  // No polling if the run is recorded (the trace may be for a host that is near a limit when this one is not), or if a
  // refusal must be known at once.
  recorder.begin_in_polling_phase = recorder.tracker.empty() && options.trace.empty() && !options.model.refuse_enomem;
  recorder.kill_on_oom = options.model.kill_on_oom;
  recorder.refuse_enomem = options.model.refuse_enomem;
  recorder.root_oom_score_adj = options.model.oom_score_adj;
  return recorder;
}

Result<std::unique_ptr<Listeners>> Listeners::prepare(RunOptions& options) {
  auto host = target_host(options);
  if (!host) return host.error();
  auto listeners = std::unique_ptr<Listeners>(new Listeners);
  sim::Options model = model_options(options, host.value());
  model.recorder_cpu_loop_20m_ns = record::measure_cpu_loop_20m_ns();
  if (auto presented = listeners->present(options, host.value()); !presented) return presented.error();
  if (auto opened = listeners->open_trace(options, host.value(), model); !opened) return opened.error();
  listeners->host_ = host.value();
  listeners->model_options_ = model;
  listeners->model_ = std::make_unique<sim::Simulation>(std::move(host).value(), model);
  listeners->sink_ =
      std::make_unique<trace::RecordingSink>(*listeners->model_, listeners->writer_.get(), listeners->also_.get());
  return listeners;
}

Result<void> Listeners::present(const RunOptions& options, const host::HostSpec& host) {
  const bool only_cgroup = !options.present_host && options.present_cgroup && !options.cgroup.empty();
  if (!options.present_host && !only_cgroup) return {};
  presented_ = std::make_unique<TemporaryDirectory>();
  if (presented_->path().empty()) return Error{"--present-host: no temporary directory; set TMPDIR to a writable one"};
  presented_->let_everybody_read();
  presented_cgroup_ = cgroup_limits_text(host);
  if (only_cgroup) {
    guest_environment_.push_back(presented_cgroup_environment(presented_->path()));
    return write_presented_files(host, presented_->path());
  }
  presented_host_ = host.name;
  guest_environment_.push_back(presented_environment(host, options.model.cpu_node, presented_->path()));
  return write_presented_files(host, presented_->path());
}

Result<void> Listeners::open_trace(const RunOptions& options, const host::HostSpec& host, const sim::Options& model) {
  if (options.prove_s != 0.0 || options.seeds > 1) kept_ = std::make_unique<KeptTrace>();
  if (options.trace.empty() && !kept_) return {};
  trace::TraceHeader header;
  header.program_version = OOMCAST_VERSION;
  header.command = options.recorder.command;
  header.host_json = host::to_json(host);
  header.target_options = options.target_words;
  header.recorder_cpu_loop_20m_ns = model.recorder_cpu_loop_20m_ns;
  if (!options.record_for.empty()) {
    auto second = read_any_host(options.record_for);
    if (!second) return Error{"--record-for: " + second.error().message};
    header.recorded_for = second->name;
    also_ = std::make_unique<sim::Simulation>(std::move(second).value(), model);
  }
  if (!options.trace.empty()) {
    auto file = TraceFile::create(options.trace);
    if (!file) return file.error();
    file_ = std::make_unique<TraceFile>(std::move(file).value());
  }
  writer_ = std::make_unique<trace::TraceWriter>([this](std::string_view block) { return keep(block); }, header);
  return {};
}

bool Listeners::keep(std::string_view block) {
  const bool kept = kept_ && kept_->append(block);
  const bool filed = file_ && file_->error().empty() && file_->append(block);
  return kept || filed;
}

sim::Outcome Listeners::finish(const RunOptions& options, trace::CaptureSummary& capture) {
  capture.presented_host = presented_host_;
  capture.presented_cgroup = presented_cgroup_;
  if (options.recorder.use_mimalloc)
    capture.caveats.emplace_back("The program allocated with mimalloc instead of its own allocator (--allocator).");
  if (writer_) writer_->finish(capture);
  if (file_ && !file_->error().empty()) {
    std::fprintf(stderr, "oomcast: %s\n", file_->error().c_str());
    capture.caveats.push_back(file_->error());
  }
  sim::Outcome outcome = model_->finish();
  // Frees the memory for the proofs.
  sink_.reset();
  model_.reset();
  also_.reset();
  return outcome;
}

Result<Recorded> Listeners::recorded(const RunOptions& options) {
  if (!kept_) return Error{"--prove 0"};
  auto bytes = kept_->view();
  if (!bytes) return bytes.error();
  return Recorded{{bytes.value(), "the recording"}, host_, options, {model_options_, std::nullopt, nullptr}, true};
}

int write_forecast(const RunOptions& options, const Places& places, Listeners& listeners,
                   trace::CaptureSummary& capture, double own_s) {
  const sim::Outcome outcome = listeners.finish(options, capture);
  return conclude(options, places, outcome, capture, listeners.recorded(options), own_s);
}

int conclude_watched(const RunOptions& options, const Places& places, Listeners& listeners,
                     trace::CaptureSummary& capture, double own_s) {
  const int status = write_forecast(options, places, listeners, capture, own_s);
  if (status != 0) return status;
  return capture.exited ? capture.exit_code : 128 + capture.exit_signal;
}

}  // namespace oomcast::report
