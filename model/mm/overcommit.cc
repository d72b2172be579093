// Decides whether the program may have more address space. See overcommit.h.
#include "model/mm/overcommit.h"

#include <algorithm>

namespace oomcast::mm {
namespace {

std::string pages_text(int64_t pages) {
  return std::to_string(pages) + " pages (" + std::to_string(pages >> 8) + " MiB)";
}

int64_t commit_limit(const Kernel& k) {
  const host::VmTunables& vm = k.host.spec.vm;
  const int64_t ram =
      vm.overcommit_kbytes > 0 ? vm.overcommit_kbytes >> 2 : k.host.total_ram * vm.overcommit_ratio / 100;
  return ram + k.host.total_swap;
}

}  // namespace

std::optional<std::string> may_expand_vm(const host::Process& process, int64_t pages, bool data) {
  const auto refusal = [&](const char* name, int64_t limit) {
    return "a request of " + pages_text(pages) + " exceeds the process's " + name + " of " + pages_text(limit);
  };
  if (process.total_vm_pages() > process.limit_as_pages - pages) return refusal("RLIMIT_AS", process.limit_as_pages);
  if (data && process.space.data_pages > process.limit_data_pages - pages)
    return refusal("RLIMIT_DATA", process.limit_data_pages);
  return std::nullopt;
}

std::optional<std::string> too_many_mappings(const Kernel& k, const host::Process& process) {
  const int most = k.host.spec.vm.max_map_count;
  if (static_cast<int64_t>(process.space.mappings.size()) <= most) return std::nullopt;
  return "the process has more than vm.max_map_count = " + std::to_string(most) + " mappings";
}

std::optional<std::string> vm_enough_memory(const Kernel& k, const host::Process& process, int64_t pages) {
  const host::VmTunables& vm = k.host.spec.vm;
  if (vm.overcommit_memory == 1) return std::nullopt;
  if (vm.overcommit_memory != 2) {
    const int64_t most = k.host.total_ram + k.host.total_swap;
    if (pages <= most) return std::nullopt;
    return "one request of " + pages_text(pages) + " exceeds RAM and swap together, " + pages_text(most) +
           " (vm.overcommit_memory=" + std::to_string(vm.overcommit_memory) + ")";
  }
  int64_t allowed = commit_limit(k);
  if (process.uid != 0) allowed -= vm.admin_reserve_kbytes >> 2;
  allowed -= std::min(process.total_vm_pages() / 32, vm.user_reserve_kbytes >> 2);
  if (k.host.committed + pages < allowed) return std::nullopt;
  return "a request of " + pages_text(pages) + " would bring Committed_AS to " + pages_text(k.host.committed + pages) +
         ", above the commit limit of " + pages_text(allowed) + " (vm.overcommit_memory=2)";
}

}  // namespace oomcast::mm
