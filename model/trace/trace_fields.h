// Reads and writes what a trace says beside its events. The header at its front and the capture summary at its end, as
// named lists.
//
// Names that a reader does not know are skipped and names that are missing leave the default: fields may be added.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/trace/capture_summary.h"

namespace oomcast::trace {

/// Known when the recording starts.
struct TraceHeader {
  std::string program_version;  // of the oomcast that recorded
  std::vector<std::string> command;
  std::string host_json;                    // oomcast.host.v1: the host that the recording's model simulated
  std::string recorded_for;                 // name of the host whose watches were answered too (--record-for), or empty
  std::vector<std::string> target_options;  // of the command line, e.g. "--cpu-node=1"
  int64_t recorder_cpu_loop_20m_ns = 0;
};

std::string encode_header(const TraceHeader& header);
bool decode_header(std::string_view raw, TraceHeader& header);
std::string encode_summary(const CaptureSummary& summary);
bool decode_summary(std::string_view raw, CaptureSummary& summary);

}  // namespace oomcast::trace
