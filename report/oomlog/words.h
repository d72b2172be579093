// Quantities of an OOM report as text.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include "report/oomlog/oom_report.h"
#include "report/words/format.h"

namespace oomcast::oomlog {

/// KiB as "1.62 GiB".
inline std::string kb_text(int64_t kb) {
  return report::bytes_text(Bytes(std::clamp(kb, -kCountLimit, kCountLimit) * 1024));
}
inline std::string task_text(int pid, const std::string& comm) {
  return (comm.empty() ? "a task" : comm) + " (pid " + std::to_string(pid) + ")";
}

}  // namespace oomcast::oomlog
