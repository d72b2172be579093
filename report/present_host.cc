// Makes the files and the environment that show the target's size to the program. See present_host.h.
#include "report/present_host.h"

#include <algorithm>
#include <fstream>

#include "report/words/format.h"

namespace oomcast::report {
namespace {

struct Sums {
  Pages free, low, reserve, slab_reclaimable, slab_unreclaimable, shmem, dirty, writeback, page_tables, swapcached,
      mapped;
  host::LruSizes lru;
  int64_t kernel_stack_kb = 0;
};

/// calculate_totalreserve_pages() for one zone: its largest lowmem reserve and its high watermark, at most its managed
/// pages.
Pages reserve_of(const host::ZoneSpec& zone) {
  Pages most;
  for (size_t j = static_cast<size_t>(zone.kind); j < zone.lowmem_reserve.size(); ++j)
    most = std::max(most, zone.lowmem_reserve[j]);
  return std::min(most + zone.watermarks.high, zone.managed);
}

Sums sums_of(const host::HostSpec& host) {
  Sums sum;
  for (const host::NodeSpec& node : host.nodes) {
    for (const host::ZoneSpec& zone : node.zones) {
      sum.free += zone.free;
      sum.low += zone.watermarks.low;
      sum.reserve += reserve_of(zone);
    }
    sum.slab_reclaimable += node.slab_reclaimable;
    sum.slab_unreclaimable += node.slab_unreclaimable;
    sum.shmem += node.shmem;
    sum.dirty += node.dirty;
    sum.writeback += node.writeback;
    sum.page_tables += node.page_tables;
    sum.swapcached += node.swapcached;
    sum.mapped += node.mapped;
    sum.lru.inactive_anon += node.lru.inactive_anon;
    sum.lru.active_anon += node.lru.active_anon;
    sum.lru.inactive_file += node.lru.inactive_file;
    sum.lru.active_file += node.lru.active_file;
    sum.lru.unevictable += node.lru.unevictable;
    sum.kernel_stack_kb += node.kernel_stack_kb;
  }
  return sum;
}

/// si_mem_available(): free pages less the reserves, and of page cache and reclaimable slab all but the smaller of one
/// half and the low watermarks.
Pages available(const Sums& sum) {
  auto reclaimable = [&](Pages pages) { return pages - std::min(Pages(pages.count() / 2), sum.low); };
  Pages all = sum.free - sum.reserve + reclaimable(sum.lru.active_file + sum.lru.inactive_file) +
              reclaimable(sum.slab_reclaimable);
  return std::max(all, Pages(0));
}

Pages swap_used(const host::HostSpec& host) {
  Bytes used;
  for (const host::SwapSpec& swap : host.swaps) used += swap.used;
  return to_pages(used);
}

std::string meminfo(const host::HostSpec& host) {
  Sums sum = sums_of(host);
  std::string text;
  auto line_kb = [&](const char* name, int64_t kb) { text += proc_line(name, kb); };
  auto line = [&](const char* name, Pages pages) { line_kb(name, pages.count() * 4); };
  Pages file = sum.lru.active_file + sum.lru.inactive_file;
  line("MemTotal", host.total_ram);
  line("MemFree", sum.free);
  line("MemAvailable", available(sum));
  line("Buffers", Pages(0));
  line("Cached", file + sum.shmem);
  line("SwapCached", sum.swapcached);
  line("Active", sum.lru.active_anon + sum.lru.active_file);
  line("Inactive", sum.lru.inactive_anon + sum.lru.inactive_file);
  line("Active(anon)", sum.lru.active_anon);
  line("Inactive(anon)", sum.lru.inactive_anon);
  line("Active(file)", sum.lru.active_file);
  line("Inactive(file)", sum.lru.inactive_file);
  line("Unevictable", sum.lru.unevictable);
  line("SwapTotal", host.total_swap());
  line("SwapFree", host.total_swap() - swap_used(host));
  line("Dirty", sum.dirty);
  line("Writeback", sum.writeback);
  line("AnonPages", sum.lru.active_anon + sum.lru.inactive_anon - std::min(sum.shmem, sum.lru.inactive_anon));
  line("Mapped", sum.mapped);
  line("Shmem", sum.shmem);
  line("SReclaimable", sum.slab_reclaimable);
  line("SUnreclaim", sum.slab_unreclaimable);
  line_kb("KernelStack", sum.kernel_stack_kb);
  line("PageTables", sum.page_tables);
  line("Committed_AS", host.committed_as);
  return text;
}

std::string limit(int64_t bytes) { return (bytes < 0 ? "max" : std::to_string(bytes)) + "\n"; }

/// cgroup v1 prints "no limit" as the largest multiple of the page size, PAGE_COUNTER_MAX pages.
std::string limit_v1(int64_t bytes) { return (bytes < 0 ? "9223372036854771712" : std::to_string(bytes)) + "\n"; }

const std::vector<int>& allowed_cpus(const host::HostSpec& host, int cpu_node) {
  for (const host::NodeSpec& node : host.nodes)
    if (node.id.value == cpu_node && !node.cpus.empty()) return node.cpus;
  return host.cpus;
}

}  // namespace

std::vector<PresentedFile> presented_files(const host::HostSpec& host) {
  return {{"meminfo", meminfo(host)},
          {"cpu_online", cpu_list_text(host.cpus) + "\n"},
          {"memory.max", limit(host.cgroup.memory_max)},
          {"memory.high", limit(host.cgroup.memory_high)},
          {"memory.swap.max", limit(host.cgroup.memory_swap_max)},
          {"memory.limit_in_bytes", limit_v1(host.cgroup.memory_max)}};
}

std::string presented_environment(const host::HostSpec& host, int cpu_node, const std::string& directory) {
  std::string text = "OOMCAST_PRESENT=";
  for (int64_t figure : {host.total_ram.count(), sums_of(host).free.count(), host.total_swap().count(),
                         (host.total_swap() - swap_used(host)).count(), static_cast<int64_t>(host.processes.size()),
                         static_cast<int64_t>(host.cpus.size())})
    text += std::to_string(figure) + ":";
  return text + cpu_list_text(allowed_cpus(host, cpu_node)) + ":" + directory;
}

std::string presented_cgroup_environment(const std::string& directory) { return "OOMCAST_PRESENT=cgroup:" + directory; }

std::string cgroup_limits_text(const host::HostSpec& host) {
  if (!host.cgroup.present) return "";
  const auto one = [](const char* name, int64_t bytes) {
    return std::string(name) + " " + (bytes < 0 ? "max" : bytes_text(Bytes(bytes)));
  };
  return one("memory.max", host.cgroup.memory_max) + ", " + one("memory.high", host.cgroup.memory_high) + ", " +
         one("memory.swap.max", host.cgroup.memory_swap_max);
}

Result<void> write_presented_files(const host::HostSpec& host, const std::string& directory) {
  for (const PresentedFile& file : presented_files(host)) {
    std::ofstream out(directory + "/" + file.name);
    if (!(out << file.text << std::flush))
      return Error{"--present-host: " + directory + "/" + file.name +
                   " cannot be written; set TMPDIR to another place"};
  }
  return {};
}

}  // namespace oomcast::report
