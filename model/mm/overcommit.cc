// Decides whether a process may have more address space. See overcommit.h.
#include "model/mm/overcommit.h"

#include <algorithm>

namespace oomcast::mm {
namespace {

// vm_commit_limit(): a share of the memory that is in no pool of huge pages.
int64_t commit_limit(const Kernel& k) {
  const host::VmTunables& vm = k.host.spec.vm;
  const int64_t ram = vm.overcommit_kbytes > 0
                          ? vm.overcommit_kbytes >> 2
                          : (k.host.total_ram - k.host.spec.hugetlb.count()) * vm.overcommit_ratio / 100;
  return ram + k.host.total_swap;
}

}  // namespace

std::optional<Refusal> may_expand_vm(const host::Process& process, int64_t pages, bool data) {
  if (process.total_vm_pages() > process.limit_as_pages - pages)
    return Refusal{RefusedBy::kAddressSpaceLimit, Pages(pages), process.limit_as_pages};
  if (data && process.space.data_pages > process.limit_data_pages - pages)
    return Refusal{RefusedBy::kDataLimit, Pages(pages), process.limit_data_pages};
  return std::nullopt;
}

std::optional<Refusal> too_many_mappings(const Kernel& k, const host::Process& process, int64_t pages) {
  const int most = k.host.spec.vm.max_map_count;
  if (static_cast<int64_t>(process.space.mappings.size()) <= most) return std::nullopt;
  return Refusal{RefusedBy::kMapCount, Pages(pages), most};
}

std::optional<Refusal> vm_enough_memory(const Kernel& k, const host::Process& process, int64_t pages) {
  const host::VmTunables& vm = k.host.spec.vm;
  if (vm.overcommit_memory == 1) return std::nullopt;
  if (vm.overcommit_memory != 2) {
    const int64_t most = k.host.total_ram + k.host.total_swap;
    if (pages <= most) return std::nullopt;
    return Refusal{RefusedBy::kRamAndSwap, Pages(pages), most};
  }
  int64_t allowed = commit_limit(k);
  if (process.uid != 0) allowed -= vm.admin_reserve_kbytes >> 2;
  allowed -= std::min(process.total_vm_pages() / 32, vm.user_reserve_kbytes >> 2);
  if (k.host.committed + pages < allowed) return std::nullopt;
  return Refusal{RefusedBy::kCommitLimit, Pages(pages), allowed, Pages(k.host.committed + pages)};
}

}  // namespace oomcast::mm
