// Recounts the unmapped pages of huge pages. See audit_partly_mapped.h.
#include "model/sim/audit_partly_mapped.h"

namespace oomcast::sim {

using host::Host;
using host::PageId;

void check_partly_mapped(const Host& host, std::vector<std::string>& faults) {
  int64_t held = 0, unmapped = 0;
  for (const auto& [key, huge] : host.partly_mapped) {
    const std::string name = "huge page " + std::to_string(key.second) + " of process " + std::to_string(key.first);
    held += static_cast<int64_t>(huge.held.size());
    for (const PageId id : huge.held) {
      if (!host.pages.alive(id) || host.pages[id].mapcount != 0 || host.pages[id].cgroup() != huge.cgroup)
        faults.push_back(name + " holds a page that is not held back");
    }
    for (uint64_t i = 0; i < huge.mapped.size(); ++i) {
      if (huge.mapped[i] && !host.processes[key.first].space.get(key.second + i).is_present())
        faults.push_back(name + " counts a page as mapped that is not");
    }
  }
  for (PageId id = 0; id < host.pages.size(); ++id) {
    if (!host.pages.alive(id) || host.pages[id].has(host::kPageSwapCache | host::kPageOrphan)) continue;
    unmapped += host.pages[id].anon() && !host.pages[id].background && host.pages[id].mapcount == 0 ? 1 : 0;
  }
  if (held != unmapped)
    faults.push_back(std::to_string(held) + " pages of huge pages are held back, " + std::to_string(unmapped) +
                     " were found");
}

}  // namespace oomcast::sim
