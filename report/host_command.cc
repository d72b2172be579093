// Describes a machine to people, for `oomcast host`. See host_command.h.
#include "report/host_command.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "model/spec/field_names.h"
#include "model/spec/read_host.h"
#include "model/spec/watermarks.h"
#include "report/words/format.h"

namespace oomcast::report {
namespace {

using namespace oomcast::host;

std::string bytes_of(Pages pages) { return bytes_text(to_bytes(pages)); }

// A name from a file may hold anything; a terminal should see only letters.
std::string printable(const std::string& text) {
  std::string out = text.substr(0, 80);
  std::replace_if(
      out.begin(), out.end(), [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 127; }, '?');
  return out;
}

void add_node(std::string& out, const HostSpec& spec, const NodeSpec& node) {
  const Pages managed = node.managed();
  Pages free;
  for (const ZoneSpec& zone : node.zones) free += zone.free;
  out += fmt::format("\nnode {}: {}, {} free, CPUs {}", node.id.value, bytes_of(managed), bytes_of(free),
                     node.cpus.empty() ? "none" : cpu_list_text(node.cpus));
  if (spec.nodes.size() > 1) {
    out += ", distance";
    for (size_t i = 0; i < spec.nodes.size() && i < node.distance.size(); ++i)
      out += fmt::format(" {}:{}", spec.nodes[i].id.value, node.distance[i]);
  }
  if (node.unreclaimable) out += ", kswapd has given up";
  out += fmt::format("\n  lists: anon {} inactive, {} active; file {} inactive, {} active; unevictable {}\n",
                     bytes_of(node.lru.inactive_anon), bytes_of(node.lru.active_anon), bytes_of(node.lru.inactive_file),
                     bytes_of(node.lru.active_file), bytes_of(node.lru.unevictable));
  out += fmt::format("  {:<8} {:<22} {:<22} {:<20} {:<20} {}\n", "zone", "managed pages", "free", "min", "low", "high");
  for (const ZoneSpec& zone : node.zones) {
    out += fmt::format("  {:<8}", zone_name(zone.kind));
    const std::pair<Pages, int> columns[] = {{zone.managed, 22},
                                             {zone.free, 22},
                                             {zone.watermarks.min + zone.boost, 20},
                                             {zone.watermarks.low + zone.boost, 20},
                                             {zone.watermarks.high + zone.boost, 20}};
    for (const auto& [pages, width] : columns)
      out += fmt::format(" {:<{}}", fmt::format("{} ({})", pages.count(), bytes_of(pages)), width);
    while (out.ends_with(' ')) out.pop_back();
    out += "\n";
  }
}

void add_swap(std::string& out, const HostSpec& spec) {
  if (spec.swaps.empty()) {
    out += "\nswap: none\n";
    return;
  }
  out += "\nswap:\n";
  for (const SwapSpec& swap : spec.swaps) {
    out += fmt::format("  {}: {}, {} used, priority {}, {}, 4 KiB read {}, write {}\n", printable(swap.name),
                       bytes_text(swap.size), bytes_text(swap.used), swap.priority,
                       swap.rotational ? "rotational" : "not rotational", latency_text(swap.times.read_4k),
                       latency_text(swap.times.write_4k));
  }
  const host::ZswapSpec& zswap = spec.zswap;
  if (zswap.enabled)
    out += fmt::format("  zswap before them: up to {} ({} % of memory) in {}, a page takes {} %\n",
                       bytes_text(to_bytes(Pages(spec.zswap.pool_pages_max(spec.total_ram.count())))),
                       zswap.max_pool_percent, host::zpool_name(zswap.zpool), zswap.stored_percent);
}

std::string limits_text(const host::CgroupSpec& group) {
  using Limits = std::vector<std::pair<const char*, int64_t>>;
  const Limits limits = group.v1 ? Limits{{" memory.limit_in_bytes", group.memory_max},
                                          {" memory.memsw.limit_in_bytes", group.memory_memsw_max},
                                          {" memory.soft_limit_in_bytes", group.memory_soft_limit}}
                                 : Limits{{" memory.max", group.memory_max},
                                          {" memory.high", group.memory_high},
                                          {" memory.swap.max", group.memory_swap_max}};
  std::string text;
  for (const auto& [name, bytes] : limits)
    text += std::string(name) + " " + (bytes < 0 ? "max" : bytes_text(Bytes(bytes)));
  return text;
}

/// The program's own, and those of the host that have limits: --cgroup path=... puts the program into one.
void add_groups(std::string& out, const HostSpec& spec) {
  constexpr size_t kShown = 10;
  if (spec.cgroup.present) out += "\ncgroup " + printable(spec.cgroup.path) + ":" + limits_text(spec.cgroup) + "\n";
  if (spec.cgroups.empty()) return;
  out += fmt::format("\ncgroups of the host with limits: {}{}\n", spec.cgroups.size(),
                     spec.cgroups.size() > kShown ? ", the first ten:" : "");
  for (size_t i = 0; i < std::min(kShown, spec.cgroups.size()); ++i)
    out += "  " + printable(spec.cgroups[i].path) + ":" + limits_text(spec.cgroups[i]) + "\n";
}

template <typename Value>
std::string setting_line(std::string_view name, const Value& value) {
  return fmt::format("  {:<28} {}\n", name, value);
}

void add_settings(std::string& out, const HostSpec& spec) {
  const VmTunables& vm = spec.vm;
  out += "\nsettings:\n";
  if (vm.min_free_kbytes >= 0)
    out += setting_line("vm.min_free_kbytes", vm.min_free_kbytes);
  else
    out += setting_line("vm.min_free_kbytes", fmt::format("{} (the kernel's own formula)", boot_min_free_kbytes(spec)));
  const std::pair<const char*, int64_t> settings[] = {{"vm.watermark_scale_factor", vm.watermark_scale_factor},
                                                      {"vm.swappiness", vm.swappiness},
                                                      {"vm.overcommit_memory", vm.overcommit_memory},
                                                      {"vm.overcommit_ratio", vm.overcommit_ratio},
                                                      {"vm.zone_reclaim_mode", vm.zone_reclaim_mode},
                                                      {"vm.panic_on_oom", vm.panic_on_oom},
                                                      {"vm.oom_kill_allocating_task", vm.oom_kill_allocating_task},
                                                      {"kernel.numa_balancing", vm.numa_balancing}};
  for (const auto& [name, value] : settings) out += setting_line(name, value);
  out += setting_line("transparent huge pages",
                      fmt::format("{}, defrag {}", thp_mode_name(vm.thp_enabled), thp_defrag_name(vm.thp_defrag)));
  if (spec.kubelet.eviction_hard > Bytes(0))
    out += fmt::format("\nkubelet: evicts pods when less than {} of memory is available\n",
                       bytes_text(spec.kubelet.eviction_hard));
  add_groups(out, spec);
}

void add_tmpfs(std::string& out, const HostSpec& spec) {
  constexpr size_t kShown = 10;
  if (spec.tmpfs.empty()) return;
  std::vector<std::string> mounts;
  for (const host::TmpfsSpec& tmpfs : spec.tmpfs) {
    const auto limit = host::tmpfs_limit(tmpfs, spec.total_ram);
    mounts.push_back(printable(tmpfs.mount) + " " + (limit ? bytes_of(*limit) : "without a limit"));
  }
  out += "\ntmpfs: " + list_text(mounts, kShown) + "\n";
}

void add_processes(std::string& out, const HostSpec& spec) {
  constexpr size_t kShown = 10;
  out += fmt::format("\nprocesses: {}{}\n", spec.processes.size(),
                     spec.processes.size() > kShown ? ", the ten largest:" : "");
  std::vector<const ProcessSpec*> order;
  for (const ProcessSpec& process : spec.processes) order.push_back(&process);
  const auto size = [](const ProcessSpec* process) {
    return process->rss_anon + process->rss_file + process->rss_shmem + process->swap_entries;
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](const ProcessSpec* a, const ProcessSpec* b) { return size(a) > size(b); });
  if (order.size() > kShown) order.resize(kShown);
  for (const ProcessSpec* process : order) {
    out += fmt::format("  {:7} {:<16} rss {:<10} swap {:<10} oom_score_adj {}\n", process->pid,
                       printable(process->comm), bytes_of(process->rss_anon + process->rss_file + process->rss_shmem),
                       bytes_of(process->swap_entries), process->oom_score_adj);
  }
}

}  // namespace

std::string render_host_list() {
  std::string out =
      "Built-in hosts for --host; a snapshot (directory or file), a JSON file or \"this\" work as well:\n";
  for (const Preset& preset : presets()) out += fmt::format("  {:<20} {}\n", preset.name, preset.summary);
  out += "'oomcast host show NAME --json > my-host.json' gives a file to start from.\n";
  return out;
}

std::string render_host(const HostSpec& spec) {
  std::string out;
  out += fmt::format("{}: kernel {}, {} LRU, {} node{}, {} CPU{}, {} of memory, {} of swap\n", printable(spec.name),
                     printable(spec.kernel_release), spec.lru == LruKind::kMultiGen ? "multi-gen" : "classic",
                     spec.nodes.size(), spec.nodes.size() == 1 ? "" : "s", spec.cpus.size(),
                     spec.cpus.size() == 1 ? "" : "s", bytes_of(spec.total_ram), bytes_of(spec.total_swap()));
  for (const NodeSpec& node : spec.nodes) add_node(out, spec, node);
  add_swap(out, spec);
  out += fmt::format("\nspeed: {} to fault in a page, {} for 20 million loops; disk 4 KiB read {}, write {}\n",
                     latency_text(spec.calibration.page_fault),
                     (spec.calibration.cpu_loop_20m.count() == 0 ? std::string("an unknown time")
                                                                 : latency_text(spec.calibration.cpu_loop_20m)),
                     latency_text(spec.disk.read_4k), latency_text(spec.disk.write_4k));
  add_settings(out, spec);
  add_tmpfs(out, spec);
  add_processes(out, spec);
  if (spec.assumed.empty()) return out;
  out += "\nassumed, because the source does not say:\n";
  for (const std::string& note : spec.assumed) out += "  " + note + "\n";
  return out;
}

}  // namespace oomcast::report
