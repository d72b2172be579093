// Finds a file system in memory that is too small for what the program puts on it: /dev/shm of a container.
#include <algorithm>
#include <utility>

#include "report/findings.h"
#include "report/words/format.h"
#include "report/words/why.h"

namespace oomcast::report {
namespace {

constexpr int64_t kMiB = int64_t{1} << 20;

/// Whole MiB; whole pages where the limit itself is less than one.
int64_t enough_for(const sim::MemoryMount& mount) {
  const int64_t step = mount.limit->count() < kMiB ? kPageBytes : kMiB;
  return (mount.peak.count() + step - 1) / step * step;
}

std::string larger_text(const sim::MemoryMount& mount) {
  const std::string size = size_word(enough_for(mount));
  if (mount.mount != "/dev/shm") return "size=" + size + " for the mount " + mount.mount;
  return "--shm-size=" + size + " of docker run, shm_size: " + size +
         " of a Compose service, or an emptyDir with medium: Memory at /dev/shm of a pod" +
         (mount.service.empty() ? "" : " (" + mount.service + ")");
}

}  // namespace

void find_tmpfs_full(const sim::Outcome& outcome, const trace::CaptureSummary&, Findings& findings) {
  if (!outcome.alloc_refused) return;
  const sim::Incident& refused = *outcome.alloc_refused;
  if (!refused.refusal || refused.refusal->by != mm::RefusedBy::kTmpfsFull) return;
  const mm::Refusal& refusal = *refused.refusal;
  Finding finding{"tmpfs_full", Severity::kError};
  finding.title = refusal.mount + " is full at " + seconds_text(refused.t) + ": " + refused.comm +
                  (refusal.mapped ? " gets SIGBUS" : " gets ENOSPC");
  finding.why = why_text(refused);
  finding.evidence = {{"mount", refusal.mount},
                      {"limit_bytes", to_bytes(Pages(refusal.limit)).count()},
                      {"in_use_bytes", to_bytes(refusal.in_use).count()}};
  Try larger;
  bool of_a_service = false;
  for (const sim::MemoryMount& mount : outcome.app.memory_mounts) {
    if (!mount.limit || mount.peak <= *mount.limit) continue;
    if (mount.mount == refusal.mount) finding.evidence["peak_bytes"] = mount.peak.count();
    larger.change += (larger.change.empty() ? "" : "; ") + larger_text(mount);
    larger.remedy.words.push_back("tmpfs." + mount.mount + "=" + size_word(enough_for(mount)));
    of_a_service |= !mount.service.empty();
  }
  // A container's own mounts are no part of the host.
  if (of_a_service) larger.remedy.words.clear();
  if (!larger.change.empty()) finding.tries.push_back(std::move(larger));
  findings.push_back(std::move(finding));
}

}  // namespace oomcast::report
