// What a live run is watched with: the recorder's options, and the model with a trace and a second host beside it.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "model/sim/simulation.h"
#include "model/trace/trace_writer.h"
#include "preload/record/recorder.h"
#include "report/command_line.h"
#include "report/commands/temporary_directory.h"
#include "report/conclude.h"
#include "report/proof/kept_trace.h"
#include "report/proof/prove.h"
#include "report/trace_file.h"

namespace oomcast::report {

record::RecordOptions recorder_options(const RunOptions& options);

/// Wall-clock time since it was made.
class Stopwatch {
 public:
  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun_).count(); }

 private:
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
};

/// The model, and what listens beside it: a trace, a second host.
class Listeners {
 public:
  /// Reads hosts and opens the trace: what can fail does so before the program starts. What --limits-from says goes
  /// into the options.
  static Result<std::unique_ptr<Listeners>> prepare(RunOptions& options);
  /// Without a trace nothing stands between recorder and model.
  trace::EventSink& sink() { return writer_ ? static_cast<trace::EventSink&>(*sink_) : *model_; }
  const sim::Simulation& model() const { return *model_; }
  const std::string& host_name() const { return host_.name; }
  const std::vector<std::string>& guest_environment() const { return guest_environment_; }
  sim::Outcome finish(const RunOptions& options, trace::CaptureSummary& capture);
  /// What the proofs need. REQUIRES: finish() was called; valid while this object lives.
  Result<Recorded> recorded(const RunOptions& options);

 private:
  Listeners() = default;
  Result<void> present(const RunOptions& options, const host::HostSpec& host);
  Result<void> open_trace(const RunOptions& options, const host::HostSpec& host, const sim::Options& model);
  /// False once nobody takes blocks any more.
  bool keep(std::string_view block);

  std::unique_ptr<TemporaryDirectory> presented_;
  std::string presented_host_, presented_cgroup_;
  std::vector<std::string> guest_environment_;
  std::unique_ptr<TraceFile> file_;
  std::unique_ptr<KeptTrace> kept_;
  host::HostSpec host_;
  sim::Options model_options_;
  std::unique_ptr<trace::TraceWriter> writer_;
  std::unique_ptr<sim::Simulation> model_, also_;
  std::unique_ptr<trace::RecordingSink> sink_;
};

/// Proves and writes the report of a run that the recorder has ended. The exit status: 0, unless the report says
/// otherwise.
int write_forecast(const RunOptions& options, const Places& places, Listeners& listeners,
                   trace::CaptureSummary& capture, double own_s);
/// The same, with the program's own status (128 + N where signal N ended it) instead of 0.
int conclude_watched(const RunOptions& options, const Places& places, Listeners& listeners,
                     trace::CaptureSummary& capture, double own_s);

}  // namespace oomcast::report
