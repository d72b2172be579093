// Writes a trace block by block while the program runs, so that a killed recorder leaves a readable trace.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "model/trace/event_codec.h"
#include "model/trace/event_sink.h"
#include "model/trace/trace_block.h"
#include "model/trace/trace_fields.h"

namespace oomcast::trace {

class TraceWriter {
 public:
  /// Gets one whole block per call and returns whether the block was written. After a false it is not called again.
  using Output = std::function<bool(std::string_view block)>;

  TraceWriter(Output output, const TraceHeader& header);
  void add(const Event& event);
  void add_watch(const WatchRequest& watch);
  /// Writes the rest and the summary. Call once; nothing may be added afterwards.
  void finish(const CaptureSummary& summary);
  bool failed() const { return failed_; }
  uint64_t bytes_written() const { return bytes_written_; }

 private:
  void flush();
  void write(BlockType type, std::string_view raw);
  void write_in_pieces(BlockType type, std::string_view raw);
  void put(std::string_view bytes);

  Output output_;
  EventEncoder encoder_;
  uint64_t block_started_ns_ = 0;
  uint32_t sequence_ = 0;
  uint64_t bytes_written_ = 0;
  bool failed_ = false;
};

/// Stands between the recorder and the model and records both directions: events, and the watches that the model asks
/// for. `also` is a second model (--record-for). It gets every event and its watches are answered, so that a replay
/// for its host knows more.
class RecordingSink final : public EventSink {
 public:
  RecordingSink(EventSink& model, TraceWriter* writer, EventSink* also) : model_(model), writer_(writer), also_(also) {}
  void feed(const Event& event) override;
  void take_watches(std::vector<WatchRequest>& out) override;
  void take_kills(std::vector<KillRequest>& out) override;
  bool take_refusal() override { return model_.take_refusal(); }
  uint64_t headroom_pages() const override;
  bool placed_by_thread() const override { return model_.placed_by_thread() || (also_ && also_->placed_by_thread()); }

 private:
  EventSink& model_;
  TraceWriter* writer_;
  EventSink* also_;
};

}  // namespace oomcast::trace
