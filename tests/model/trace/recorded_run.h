// A short run as events, and functions that write it to a trace and read it back.
#pragma once

#include <cstring>
#include <string>
#include <vector>

#include "model/trace/comm.h"
#include "model/trace/trace_reader.h"
#include "model/trace/trace_writer.h"

namespace oomcast::trace {

inline bool same(const Event& a, const Event& b) { return std::memcmp(&a, &b, sizeof a) == 0; }

struct RecordedRun {
  TraceHeader header;
  std::vector<Record> records;
  CaptureSummary summary;
};

inline Record event(EventKind kind, uint64_t address, uint64_t bytes, uint8_t flags = 0, uint64_t argument = 0) {
  Record record;
  record.event.kind = kind;
  record.event.address = address;
  record.event.bytes = bytes;
  record.event.flags = flags;
  record.event.argument = argument;
  record.event.pid = record.event.tid = 70;
  return record;
}

/// Most kinds of event, two processes, a watch; the last events are 3 s later.
inline RecordedRun recorded_run() {
  RecordedRun run;
  run.header = {"0.1.0",   {"redis-server", "--port", "0"}, R"({"schema": "oomcast.host.v1"})", "", {"--cpu-node=1"},
                42'000'000};
  auto& all = run.records;
  all.push_back(event(EventKind::kProcessStart, 1, 0));
  const auto [first, second] = comm_words("redis-server");
  all.push_back(event(EventKind::kComm, first, second));
  all.push_back(event(EventKind::kOomScoreAdj, static_cast<uint64_t>(-500), 0));
  all.push_back(event(EventKind::kMap, 0x7f10a0000000, 256 << 20, kPrivate | kAnonymous | kWritable));
  for (uint64_t i = 0; i < 40; ++i) {
    all.push_back(event(EventKind::kTouch, 0x7f10a0000000 + 4096 * (i % 8 == 7 ? 900 - i : i), 4096, kWrite));
    all.back().event.tid = i % 5 == 0 ? 71 : 70;
    all.back().event.cpu = i % 3 == 0 ? 1 : 0;
    all.back().event.stack_id = i % 16 == 3 ? 2 : 0;
    all.back().event.compute_ns = i % 10 == 0 ? 123'456 : 0;
    all.back().event.time_ns = 5'000'000'000 + 1'000'000 * i;
  }
  Record watch = event(static_cast<EventKind>(63), 0x7f10a0000000, 8192);
  watch.is_watch = true;
  watch.event.time_ns = all.back().event.time_ns;
  all.push_back(watch);
  all.push_back(event(EventKind::kReference, 0x7f10a0000000, 4096, kWrite));
  all.push_back(event(EventKind::kFork, 80, 0));
  for (EventKind kind : {EventKind::kProcessStart, EventKind::kExec, EventKind::kThreadExit}) {
    all.push_back(event(kind, kind == EventKind::kProcessStart ? 70 : 0, 0));
    all.back().event.pid = all.back().event.tid = 80;
    all.back().event.time_ns = 8'500'000'000;
  }
  all.push_back(event(EventKind::kFileRead, 9, 65536, 0, 131072));
  all.push_back(event(EventKind::kFileRead, 9, 65536, 0, 196608));
  all.push_back(event(EventKind::kFileWrite, 9, 100, 0, 7));
  all.push_back(event(EventKind::kFileSync, 9, 0));
  all.push_back(event(EventKind::kFileTruncate, 9, 0, 0, 4096));
  all.push_back(event(EventKind::kProtect, 0x7f10a0001000, 4096, kWritable));
  all.push_back(event(EventKind::kRemap, 0x7f10a0000000, 8192, 0, 0x7f20a0000000));
  all.push_back(event(EventKind::kAdviseDontneed, 0x7f10a0002000, 4096));
  all.push_back(event(EventKind::kAdviseFree, 0x7f10a0003000, 4096));
  all.push_back(event(EventKind::kSetPolicy, 3, 0, static_cast<uint8_t>(PolicyMode::kInterleave)));
  all.push_back(event(EventKind::kBindRange, 0x7f10a0004000, 8192, static_cast<uint8_t>(PolicyMode::kBind), 2));
  all.push_back(event(EventKind::kAffinity, 1, 0));
  all.push_back(event(EventKind::kLimit, 9, 0, 0, ~uint64_t{0}));
  all.push_back(event(EventKind::kAlloc, 0x7f10a0003010, 33));
  all.push_back(event(EventKind::kFree, 0x7f10a0003010, 0));
  all.push_back(event(EventKind::kClock, 0, 0));
  all.push_back(event(EventKind::kLost, 0, 17));
  all.push_back(event(EventKind::kUnmap, 0x7f10a0000000, 256 << 20));
  all.push_back(event(EventKind::kExit, 9, 0, kExitBySignal));
  all.back().event.wait_ns = ~uint64_t{0};
  run.summary.command = run.header.command;
  run.summary.exit_signal = 9;
  run.summary.tracker = "userfaultfd";
  run.summary.resolution_pages = 64;
  run.summary.tracked_peak_bytes = 163840;
  run.summary.rss_peak_bytes = 163841;
  run.summary.events = all.size() - 1;
  run.summary.caveats = {"One.", "Two, with a comma."};
  run.summary.host_sensitive = {"sysconf(_SC_PHYS_PAGES)"};
  run.summary.stacks = {{"main at redis.c:1", "_start"}, {}};
  return run;
}

inline std::string write(const RecordedRun& run) {
  std::string bytes;
  TraceWriter writer([&](std::string_view block) { return bytes.append(block), true; }, run.header);
  for (const Record& record : run.records) {
    if (!record.is_watch) {
      writer.add(record.event);
      continue;
    }
    for (uint64_t at = 0; at < record.event.bytes; at += kWatchPageBytes)
      writer.add_watch({record.event.pid, record.event.address + at});
  }
  writer.finish(run.summary);
  return bytes;
}

struct ReadBack {
  std::vector<Record> records;
  TraceReader::Step end = TraceReader::Step::kDamaged;
  TraceHeader header;
  CaptureSummary summary;
  std::string error;  // of opening or reading
};

inline ReadBack read(std::string_view bytes) {
  ReadBack back;
  auto reader = TraceReader::open(bytes, "t.trace");
  if (!reader) {
    back.error = reader.error().message;
    return back;
  }
  back.header = reader->header();
  Record record;
  while ((back.end = reader->next(record)) == TraceReader::Step::kRecord) back.records.push_back(record);
  back.summary = reader->summary();
  back.error = reader->error();
  return back;
}

}  // namespace oomcast::trace
