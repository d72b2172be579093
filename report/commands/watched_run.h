// What watches a live run: the recorder's options, and the model with a trace and a second model beside it.
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

/// Wall-clock time since its construction.
class Stopwatch {
 public:
  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun_).count(); }

 private:
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
};

/// The model, and what listens to the same events: a trace, a second model.
class Listeners {
 public:
  /// Reads hosts and opens the trace before the program starts, because all this can fail. Writes the limits of
  /// --limits-from into `options`.
  static Result<std::unique_ptr<Listeners>> prepare(RunOptions& options);
  /// Without a trace the recorder feeds the model directly.
  trace::EventSink& sink() { return writer_ ? static_cast<trace::EventSink&>(*sink_) : *model_; }
  const sim::Simulation& model() const { return *model_; }
  const std::string& host_name() const { return host_.name; }
  const std::vector<std::string>& guest_environment() const { return guest_environment_; }
  sim::Outcome finish(const RunOptions& options, trace::CaptureSummary& capture);
  /// The input of the proofs. REQUIRES: finish() was called. Valid while this object lives.
  Result<Recorded> recorded(const RunOptions& options);

 private:
  Listeners() = default;
  Result<void> present(const RunOptions& options, const host::HostSpec& host);
  Result<void> open_trace(const RunOptions& options, const host::HostSpec& host, const sim::Options& model);
  /// False if nothing takes blocks any more.
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

/// Proves the suggestions and writes the report, when the recorder has ended. Returns the exit status: 0, or an error.
int write_forecast(const RunOptions& options, const Places& places, Listeners& listeners,
                   trace::CaptureSummary& capture, double own_s);
/// The same, with the program's own exit status (128 + N after signal N) in place of 0.
int conclude_watched(const RunOptions& options, const Places& places, Listeners& listeners,
                     trace::CaptureSummary& capture, double own_s);

}  // namespace oomcast::report
