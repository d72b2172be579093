// Writes a trace. See trace_writer.h.
#include "model/trace/trace_writer.h"

#include <algorithm>

namespace oomcast::trace {
namespace {

// the longest piece of a run, in wall time, that is lost when the recorder is killed
constexpr uint64_t kBlockNs = 1'000'000'000;

}  // namespace

TraceWriter::TraceWriter(Output output, const TraceHeader& header) : output_(std::move(output)) {
  put(trace_file_head());
  write_in_pieces(BlockType::kHeader, encode_header(header));
}

void TraceWriter::put(std::string_view bytes) {
  if (failed_) return;
  failed_ = !output_(bytes);
  if (!failed_) bytes_written_ += bytes.size();
}

void TraceWriter::write(BlockType type, std::string_view raw) {
  if (!failed_) put(pack_block(type, sequence_++, raw));
}

void TraceWriter::write_in_pieces(BlockType type, std::string_view raw) {
  for (; raw.size() > kMostRawBytes; raw.remove_prefix(kMostRawBytes))
    write(BlockType::kPiece, raw.substr(0, kMostRawBytes));
  write(type, raw);
}

void TraceWriter::add(const Event& event) {
  if (failed_) return;
  if (encoder_.full() || (event.time_ns > block_started_ns_ + kBlockNs && !encoder_.empty())) flush();
  if (encoder_.empty()) block_started_ns_ = event.time_ns;
  encoder_.add(event);
}

void TraceWriter::add_watch(const WatchRequest& watch) {
  if (failed_) return;
  if (encoder_.full()) flush();
  encoder_.add_watch(watch);
}

void TraceWriter::flush() {
  if (!encoder_.empty()) write(BlockType::kEvents, encoder_.take());
}

void TraceWriter::finish(const CaptureSummary& summary) {
  flush();
  std::string raw = encode_summary(summary);
  if (raw.size() > kMostPiecesBytes) {
    CaptureSummary shorter = summary;
    shorter.stacks.clear();
    shorter.caveats.emplace_back("The stacks of this run are too long for a trace and were left out of it.");
    raw = encode_summary(shorter);
  }
  write_in_pieces(BlockType::kSummary, raw);
}

void RecordingSink::feed(const Event& event) {
  // Rounds the time as the trace does, so that the model gets exactly what a replay will feed.
  Event kept = event;
  kept.time_ns -= kept.time_ns % kTraceTimeUnitNs;
  if (writer_) writer_->add(kept);
  model_.feed(kept);
  if (also_) also_->feed(kept);
}

void RecordingSink::take_watches(std::vector<WatchRequest>& out) {
  const size_t before = out.size();
  model_.take_watches(out);
  if (also_) also_->take_watches(out);
  if (!writer_) return;
  for (size_t i = before; i < out.size(); ++i) writer_->add_watch(out[i]);
}

void RecordingSink::take_kills(std::vector<KillRequest>& out) {
  model_.take_kills(out);
  // Only the forecast's own host may kill the real process; kills by the second host are dropped.
  std::vector<KillRequest> ignored;
  if (also_) also_->take_kills(ignored);
}

uint64_t RecordingSink::headroom_pages() const {
  return also_ ? std::min(model_.headroom_pages(), also_->headroom_pages()) : model_.headroom_pages();
}

}  // namespace oomcast::trace
