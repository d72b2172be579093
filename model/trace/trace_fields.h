// Reads and writes what a trace holds besides events, as named lists of strings: its header and its capture summary.
//
// A reader skips names that it does not know. Missing names leave the default. So fields may be added.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/trace/capture_summary.h"

namespace oomcast::trace {

/// What is known when the recording starts.
struct TraceHeader {
  std::string program_version;  // of the oomcast that recorded
  std::vector<std::string> command;
  std::string host_json;     // oomcast.host.v1: the host that the recording's model simulated
  std::string recorded_for;  // --record-for: name of the second host whose watches were answered; else empty
  std::vector<std::string> target_options;  // options about the target, as on the command line, e.g. "--cpu-node=1"
  int64_t recorder_cpu_loop_20m_ns = 0;
};

std::string encode_header(const TraceHeader& header);
/// False: malformed.
bool decode_header(std::string_view raw, TraceHeader& header);
std::string encode_summary(const CaptureSummary& summary);
/// False: malformed.
bool decode_summary(std::string_view raw, CaptureSummary& summary);

}  // namespace oomcast::trace
