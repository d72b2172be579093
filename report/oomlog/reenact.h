// Turns an OOM report into what the model can simulate: the host or cgroup before the victim took its memory, and a
// recording in which the victim takes that memory again. If another task asked for memory, it is in the recording, too.
//
// The report says how much memory each process had, not in which order they took it. The victim's memory comes last.
#pragma once

#include <string>
#include <vector>

#include "model/base/result.h"
#include "model/spec/host_spec.h"
#include "report/oomlog/oom_report.h"

namespace oomcast::oomlog {

struct Reenactment {
  host::HostSpec host;
  std::string trace;  // a recording, as `oomcast run --trace` writes it
  Bytes held;         // memory of the recording's processes at the kill, by the log
  Bytes growth;       // assumed: what the victim takes beyond that. No log says it
};

/// Limit for the memory of all processes together: more takes too long to simulate.
inline constexpr int64_t kReenactedBytesMost = int64_t{32} << 30;

/// An error is a clause for "Not simulated: ...": what the log lacks, or what the model's programs cannot ask for.
Result<Reenactment> reenact(const OomReport& report, const std::string& name);

}  // namespace oomcast::oomlog
