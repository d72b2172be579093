// Records a trace in memory: feeds the events of a program to a model and a trace writer, as the recorder does.
#pragma once

#include <memory>
#include <string>

#include "model/sim/simulation.h"
#include "model/spec/read_host.h"
#include "model/trace/trace_writer.h"
#include "tests/support/host_builder.h"
#include "tests/support/program.h"

namespace oomcast::report {

/// What `oomcast run --trace` leaves: the bytes, and the outcome of the live forecast.
struct RecordedProgram {
  std::string bytes;
  sim::Outcome outcome;
};

/// `play` feeds the program to a sink. `also`: a second model (--record-for). `finished`: the trace has its summary.
template <class Play>
RecordedProgram record(const host::HostSpec& host, Play play, const host::HostSpec* also = nullptr,
                       int oom_score_adj = 0, bool finished = true,
                       const std::vector<std::string>& host_sensitive = {}) {
  RecordedProgram recorded;
  trace::TraceHeader header;
  header.command = {"app"};
  header.host_json = host::to_json(host);
  if (also) header.recorded_for = also->name;
  if (oom_score_adj != 0) header.target_options = {"--oom-score-adj=" + std::to_string(oom_score_adj)};
  sim::Options options;
  options.oom_score_adj = oom_score_adj;
  sim::Simulation model(host, options);
  std::unique_ptr<sim::Simulation> second;
  if (also) second = std::make_unique<sim::Simulation>(*also, options);
  trace::TraceWriter writer([&](std::string_view block) { return recorded.bytes.append(block), true; }, header);
  trace::RecordingSink sink(model, &writer, second.get());
  /// Drains the watches after each event, as the recorder does.
  class Draining : public trace::EventSink {
   public:
    explicit Draining(trace::EventSink& to) : to_(to) {}
    void feed(const trace::Event& event) override {
      to_.feed(event);
      to_.take_watches(watches_);
    }
    void take_watches(std::vector<trace::WatchRequest>&) override {}
    void take_kills(std::vector<trace::KillRequest>&) override {}
    uint64_t headroom_pages() const override { return to_.headroom_pages(); }

   private:
    trace::EventSink& to_;
    std::vector<trace::WatchRequest> watches_;
  } draining(sink);
  play(draining);
  trace::CaptureSummary summary;
  summary.command = {"app"};
  summary.exited = true;
  summary.tracker = "userfaultfd";
  summary.host_sensitive = host_sensitive;
  if (finished) writer.finish(summary);
  recorded.outcome = model.finish();
  return recorded;
}

}  // namespace oomcast::report
