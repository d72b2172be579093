// The built-in hosts. Each is a small oomcast.host.v1 document, so that it serves as an example to copy.
#include <algorithm>

#include "model/spec/json/json_host.h"
#include "model/spec/parse_text.h"
#include "model/spec/read_host.h"

namespace oomcast::host {
namespace {

struct Recipe {
  Preset preset;
  const char* kernel;
  int nodes;
  int64_t node_mib;  // installed memory of each node
  int node_cpus;
  int64_t swap_mib;  // 0: none
  int64_t file_mib;  // page cache of the whole machine after some days up
  int64_t used_mib;  // anonymous memory of the whole machine's other daemons
};

constexpr const char* kDebian12 = "6.1.0-debian12";
constexpr const char* kDebian13 = "6.12.0-debian13";

const std::vector<Recipe>& recipes() {
  static const std::vector<Recipe> all = {
      {{"tiny-256m", "1 node, 256 MiB, 1 CPU, no swap: the smallest VM on offer"}, kDebian12, 1, 256, 1, 0, 40, 20},
      {{"small-512m", "1 node, 512 MiB, 1 CPU, no swap"}, kDebian12, 1, 512, 1, 0, 80, 30},
      {{"vm-1g", "1 node, 1 GiB, 2 CPUs, no swap"}, kDebian12, 1, 1024, 2, 0, 150, 50},
      {{"vm-1g-swap", "1 node, 1 GiB, 2 CPUs, 1 GiB of SSD swap"}, kDebian12, 1, 1024, 2, 1024, 150, 50},
      {{"vm-1g-swap-mglru", "as vm-1g-swap under kernel 6.12 with the multi-gen LRU"},
       kDebian13,
       1,
       1024,
       2,
       1024,
       150,
       50},
      {{"vm-2g", "1 node, 2 GiB, 2 CPUs, no swap"}, kDebian12, 1, 2048, 2, 0, 300, 80},
      {{"vm-4g", "1 node, 4 GiB, 2 CPUs, no swap"}, kDebian12, 1, 4096, 2, 0, 500, 120},
      {{"vm-8g", "1 node, 8 GiB, 4 CPUs, no swap"}, kDebian12, 1, 8192, 4, 0, 800, 160},
      {{"vm-8g-swap", "1 node, 8 GiB, 4 CPUs, 2 GiB of SSD swap"}, kDebian12, 1, 8192, 4, 2048, 800, 160},
      {{"vm-8g-mglru", "as vm-8g under kernel 6.12 with the multi-gen LRU"}, kDebian13, 1, 8192, 4, 0, 800, 160},
      {{"two-node-2x512m", "2 nodes of 512 MiB, 1 CPU each, no swap: NUMA spill-over at its smallest"},
       kDebian12,
       2,
       512,
       1,
       0,
       100,
       40},
      {{"two-node-2x8g", "2 nodes of 8 GiB, 8 CPUs each, no swap"}, kDebian12, 2, 8192, 8, 0, 1000, 200},
      {{"two-node-2x32g", "2 nodes of 32 GiB, 16 CPUs each, 8 GiB of SSD swap"},
       kDebian12,
       2,
       32768,
       16,
       8192,
       3000,
       400},
      {{"k8s-node-16g", "1 node, 16 GiB, 8 CPUs, no swap, kubelet and 600 MiB of daemons beside"},
       kDebian12,
       1,
       16384,
       8,
       0,
       1500,
       600},
      {{"k8s-node-16g-mglru", "as k8s-node-16g under kernel 6.12 with the multi-gen LRU"},
       kDebian13,
       1,
       16384,
       8,
       0,
       1500,
       600},
      {{"db-64g", "1 node, 64 GiB, 16 CPUs, 4 GiB of SSD swap, swappiness 1"},
       kDebian12,
       1,
       65536,
       16,
       4096,
       6000,
       400},
  };
  return all;
}

constexpr int64_t kMebibytePages = 256;

// Kernel image, per-CPU areas and firmware: measured on cloud VMs of 350 MiB to 1 GiB.
constexpr int64_t kReservedPages = 8880;

nlohmann::ordered_json process(int pid, const char* comm, int64_t mib, int adj) {
  return {{"pid", pid},          {"parent_pid", pid == 1 ? 0 : 1},         {"uid", 0},
          {"comm", comm},        {"rss_anon_pages", mib * kMebibytePages}, {"rss_file_pages", 512},
          {"oom_score_adj", adj}};
}

nlohmann::ordered_json describe(const Recipe& recipe) {
  using nlohmann::ordered_json;
  ordered_json json = {{"schema", kHostSchema}, {"name", recipe.preset.name}, {"kernel", recipe.kernel}};
  json["nodes"] = ordered_json::array();
  int64_t used = 0;
  ordered_json processes = ordered_json::array();
  const auto add = [&](int pid, const char* comm, int64_t mib, int adj) {
    processes.push_back(process(pid, comm, mib, adj));
    used += mib * kMebibytePages;
  };
  add(1, "systemd", 4, 0);
  add(301, "systemd-journal", 4, -250);
  add(702, "sshd", 2, -1000);
  add(811, "daemons", recipe.used_mib, 0);
  for (int n = 0; n < recipe.nodes; ++n) {
    const int64_t present = recipe.node_mib * kMebibytePages - (n == 0 ? 98 : 0);  // less the holes below 1 MiB
    const int64_t managed = present - present / 64 - (n == 0 ? kReservedPages : 0);
    const int64_t anon = used / recipe.nodes, file = recipe.file_mib * kMebibytePages / recipe.nodes;
    const int64_t slab = managed / 100;
    ordered_json cpus = ordered_json::array();
    for (int c = 0; c < recipe.node_cpus; ++c) cpus.push_back(n * recipe.node_cpus + c);
    json["nodes"].push_back(
        {{"cpus", cpus},
         {"managed", managed * kPageBytes},
         {"present", present * kPageBytes},
         {"free", (managed - managed * 2 / 100 - slab - anon - file) * kPageBytes},
         {"lru_pages",
          {{"inactive_anon", anon}, {"inactive_file", file * 2 / 3}, {"active_file", file - file * 2 / 3}}},
         {"slab_reclaimable_pages", slab / 2},
         {"slab_unreclaimable_pages", slab - slab / 2},
         {"anon_pages", anon},
         {"mapped_pages", file / 4},
         {"file_pages", file},
         {"page_table_pages", anon / 256}});
  }
  for (int n = 0; recipe.nodes == 2 && n < 2; ++n)
    json["nodes"][static_cast<size_t>(n)]["distance"] = n == 0 ? ordered_json{10, 20} : ordered_json{20, 10};
  // A recent server without virtualisation, with an NVMe or SATA SSD.
  json["calibration"] = {{"page_fault_ns", 800}, {"page_touch_ps", 1000}};
  const ordered_json ssd = {{"read_4k_us", 90}, {"write_4k_us", 30}, {"read_128k_us", 250}, {"write_128k_us", 150}};
  json["disk"] = ssd;
  if (recipe.swap_mib > 0) {
    ordered_json swap = {{"name", "/dev/nvme0n1p2"}, {"size", recipe.swap_mib << 20}};
    swap.update(ssd);
    json["swap"] = ordered_json::array({swap});
  }
  if (std::string_view(recipe.preset.name) == "db-64g") json["vm"] = {{"swappiness", 1}};
  json["committed_as_pages"] = 2 * used;
  json["processes"] = processes;
  return json;
}

}  // namespace

const std::vector<Preset>& presets() {
  static const std::vector<Preset> list = [] {
    std::vector<Preset> all;
    for (const Recipe& recipe : recipes()) all.push_back(recipe.preset);
    return all;
  }();
  return list;
}

Result<HostSpec> preset(std::string_view name) {
  std::vector<std::string> names;
  for (const Recipe& recipe : recipes()) {
    if (name == recipe.preset.name)
      return host_from_json(describe(recipe), "", std::string("preset ") + recipe.preset.name, recipe.preset.name);
    names.emplace_back(recipe.preset.name);
  }
  return Error{"host " + quote(name) + " is neither a file, a directory nor a preset" + suggestion(name, names)};
}

}  // namespace oomcast::host
