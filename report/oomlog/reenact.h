// Makes of an OOM report what the model can play: the host or the control group before the victim took its memory, and
// a recording in which the victim takes that memory again. If another task set off the kill, the recording has it, too.
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
  Bytes held;         // by the log: what the recording's processes held at the kill
  Bytes growth;       // an assumption: what the victim goes on to take after that; no log says it
};

/// Processes that hold more together are not simulated: it takes too long.
inline constexpr int64_t kReenactedBytesMost = int64_t{32} << 30;

/// An error is a clause, for "Not simulated: ...": what the log lacks, or what the model's programs cannot ask for.
Result<Reenactment> reenact(const OomReport& report, const std::string& name);

}  // namespace oomcast::oomlog
