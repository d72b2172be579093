// Makes of an OOM report what the model can play: the host or the group as it stood before its victim had taken its
// memory, and a recording in which the victim takes it again, and whoever asked asks.
//
// The report knows how much each had, not in which order it came: the others are there, the victim's memory comes last.
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
  Bytes held;         // what its processes hold at the kill by the log
  Bytes growth;       // what the victim goes on to take after that, which no log knows
};

/// Victims that are larger take too long.
inline constexpr int64_t kReenactedBytesMost = int64_t{32} << 30;

/// An error is a clause, for "Not simulated: ...": what the log lacks, or what the model's programs cannot ask for.
Result<Reenactment> reenact(const OomReport& report, const std::string& name);

}  // namespace oomcast::oomlog
