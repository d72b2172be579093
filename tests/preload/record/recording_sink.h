// Keeps what the recorder feeds. A sink that keeps every event, and can ask for watches like a model under pressure.
#pragma once

#include <oomcast_paths.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "preload/record/recorder.h"

namespace oomcast::record {

class RecordingSink : public trace::EventSink {
 public:
  void feed(const trace::Event& event) override {
    events.push_back(event);
    refused_ |= refuses && event.kind == trace::EventKind::kMap;
    if (event.kind == trace::EventKind::kTouch && (event.flags & trace::kWrite ? watch_writes : watch_reads))
      for (uint64_t at = event.address; at < event.address + event.bytes; at += 4096)
        watches_.push_back({event.pid, at});
  }
  void take_watches(std::vector<trace::WatchRequest>& out) override {
    out.insert(out.end(), watches_.begin(), watches_.end());
    watches_.clear();
  }
  void take_kills(std::vector<trace::KillRequest>&) override {}
  uint64_t headroom_pages() const override { return headroom; }
  bool take_refusal() override { return std::exchange(refused_, false); }

  uint64_t count(trace::EventKind kind) const {
    return static_cast<uint64_t>(
        std::count_if(events.begin(), events.end(), [&](const trace::Event& e) { return e.kind == kind; }));
  }
  /// Bytes first-touched by writes while running, those found resident left out.
  uint64_t written_bytes() const {
    uint64_t total = 0;
    for (const trace::Event& e : events)
      if (e.kind == trace::EventKind::kTouch && (e.flags & trace::kWrite) && !(e.flags & trace::kPresent))
        total += e.bytes;
    return total;
  }

  std::vector<trace::Event> events;
  bool watch_writes = false, watch_reads = false;
  bool refuses = false;  // every mapping
  uint64_t headroom = 1 << 20;

 private:
  bool refused_ = false;
  std::vector<trace::WatchRequest> watches_;
};

inline std::string guest(const std::string& name) {
  return std::string(OOMCAST_BINARY_DIR) + "/tests/guests/guest_" + name;
}

inline Result<trace::CaptureSummary> record_guest(RecordingSink& sink, std::vector<std::string> command) {
  RecordOptions options;
  options.command = std::move(command);
  return run(options, sink);
}

/// The difference between the tracked peak and the kernel's, in percent of the latter.
inline double peak_error_percent(const trace::CaptureSummary& summary) {
  const auto tracked = static_cast<double>(summary.tracked_peak_bytes),
             rss = static_cast<double>(summary.rss_peak_bytes);
  return rss > 0 ? (tracked > rss ? tracked - rss : rss - tracked) * 100 / rss : 100;
}

}  // namespace oomcast::record
