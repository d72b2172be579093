// Reads the machine and its processes: proc/{cpuinfo,meminfo,swaps,PID/*} and the nodes under sys/devices.
#include <algorithm>

#include "model/spec/field_names.h"
#include "model/spec/parse_text.h"
#include "model/spec/snapshot/snapshot_reader.h"

namespace oomcast::host {
namespace {

constexpr int64_t kKilobytesMax = int64_t{1} << 36;         // 64 TiB
constexpr int64_t kVirtualKilobytesMax = int64_t{1} << 47;  // 57-bit address spaces

// "MemTotal:         480620 kB" -> 480620
std::optional<int64_t> kilobytes(SnapshotReader& reader, const std::string& path, const Line& line, int64_t max) {
  const std::vector<std::string_view> word = words(line.text);
  const auto value = word.size() < 2 ? std::nullopt : parse_integer(word[1], 0, max);
  if (!value) {
    reader.fail(
        path, line.number,
        quote(trim(line.text)) + " has no amount in kB from 0 to " + std::to_string(max) + "; is the file cut off?");
  }
  return value;
}

void read_cpuinfo(SnapshotReader& reader) {
  constexpr const char* path = "proc/cpuinfo";
  const std::string* text = reader.text(path);
  if (!text) return;  // zoneinfo has listed the online CPUs
  std::vector<int> cpus;
  for (const Line& line : lines(*text)) {
    const std::vector<std::string_view> word = words(line.text);
    if (word.size() < 3 || word[0] != "processor" || word[1] != ":") continue;
    const auto cpu = parse_integer(word[2], 0, 8191);
    if (!cpu) return reader.fail(path, line.number, "processor is " + quote(word[2]) + ", expected 0..8191");
    if (std::find(reader.spec.cpus.begin(), reader.spec.cpus.end(), static_cast<int>(*cpu)) == reader.spec.cpus.end()) {
      return reader.fail(path, line.number,
                         "CPU " + std::to_string(*cpu) +
                             " has no per-CPU list in proc/zoneinfo; do both files come from the same machine?");
    }
    cpus.push_back(static_cast<int>(*cpu));
  }
  if (!cpus.empty() && cpus.size() != reader.spec.cpus.size()) {
    reader.fail(path, 1,
                std::to_string(cpus.size()) + " processors, but proc/zoneinfo lists " +
                    std::to_string(reader.spec.cpus.size()) + " CPUs; is the file cut off?");
  }
}

// Pages of the pools of huge pages. Before Linux 4.18 meminfo gives only the pool of the default size.
Pages hugetlb_of(const std::string& meminfo) {
  std::optional<int64_t> all_kb, count, size_kb;
  for (const Line& line : lines(meminfo)) {
    const std::vector<std::string_view> word = words(line.text);
    if (word.size() < 2) continue;
    for (const auto& [label, target] : {std::pair{"Hugetlb:", &all_kb}, std::pair{"HugePages_Total:", &count},
                                        std::pair{"Hugepagesize:", &size_kb}}) {
      if (word[0] == label) *target = parse_integer(word[1], 0, kKilobytesMax / 1024);
    }
  }
  return Pages(all_kb ? *all_kb / 4 : count.value_or(0) * size_kb.value_or(0) / 4);
}

void read_meminfo(SnapshotReader& reader) {
  constexpr const char* path = "proc/meminfo";
  HostSpec& spec = reader.spec;
  struct Field {
    std::string_view label;
    const char* name;
    Pages& value;
    int64_t kilobytes_max;
    bool given = false;
  };
  Field total{"MemTotal:", "total_ram_pages", spec.total_ram, kKilobytesMax},
      buffers{"Buffers:", "buffers_pages", spec.buffers, kVirtualKilobytesMax},
      committed{"Committed_AS:", "committed_as_pages", spec.committed_as, kVirtualKilobytesMax};
  if (const std::string* text = reader.text(path)) {
    spec.hugetlb = hugetlb_of(*text);
    for (const Line& line : lines(*text)) {
      for (Field* field : {&total, &buffers, &committed}) {
        if (!line.text.starts_with(field->label)) continue;
        const auto kb = kilobytes(reader, path, line, field->kilobytes_max);
        if (!kb) return;
        field->value = Pages(*kb / 4);
        field->given = true;
        reader.places.emplace(field->name, reader.place(path, line.number));
      }
    }
  }
  Pages managed;
  for (const NodeSpec& node : spec.nodes) managed += node.managed();
  if (!total.given) {
    spec.total_ram = managed;
    reader.assume("total_ram_pages", std::to_string(managed.count()),
                  "no MemTotal in proc/meminfo; managed pages of all zones");
  } else if (spec.total_ram > managed + managed / 16) {
    reader.assume(
        "nodes", "the " + std::to_string(managed.count()) + " pages that the zones manage",
        "MemTotal counts " + std::to_string(spec.total_ram.count()) + "; a balloon or a hotplug holds the rest");
  }
  if (!committed.given) reader.assume("committed_as_pages", "0", "no Committed_AS in proc/meminfo");
}

constexpr int kZramPercent = 33;  // lzo-rle compresses the memory of most programs to about a third

// 1 for disks that turn (virtio disks say so, too), 0 for others, -1 if the snapshot does not say.
int64_t rotational(SnapshotReader& reader, std::string_view device) {
  if (device.starts_with("/dev/")) device.remove_prefix(5);
  std::string name(device);
  while (!name.empty()) {
    const std::string path = "sys/block/" + name + "/queue/rotational";
    if (reader.text(path)) return reader.number_file(path, 0, 1).value_or(-1);
    // sda2 -> sda; nvme0n1p2 -> nvme0n1p -> nvme0n1
    const char last = name.back();
    if (!(last >= '0' && last <= '9') && last != 'p') break;
    name.pop_back();
  }
  return -1;
}

void decide_rotational(SnapshotReader& reader, SwapSpec& swap, size_t index) {
  const std::string field = "swap[" + std::to_string(index) + "].rotational";
  const int64_t said = rotational(reader, swap.name);
  if (said >= 0) {
    swap.rotational = said == 1;
  } else if (swap.name.starts_with("/dev/nvme") || swap.name.starts_with("/dev/zram")) {
    swap.rotational = false;
    reader.assume(field, "false", "no sys/block/*/queue/rotational; " + swap.name + " never turns");
  } else if (swap.name.starts_with("/dev/vd")) {
    swap.rotational = true;
    reader.assume(field, "true", "no sys/block/*/queue/rotational; virtio disks say 1");
  } else {
    swap.rotational = true;
    reader.assume(field, "true", "no sys/block/*/queue/rotational; the device behind " + swap.name + " is unknown");
  }
}

constexpr int64_t kZramTellsFromBytes = int64_t{1} << 20;

// mm_stat: bytes stored, bytes after compression, bytes of memory used. A new device holds only its swap header, one
// page in one page of memory, which does not tell how well pages compress.
void decide_zram(SnapshotReader& reader, SwapSpec& swap, size_t index) {
  if (!swap.name.starts_with("/dev/zram")) return;
  const std::string path = "sys/block/" + swap.name.substr(5) + "/mm_stat";
  if (const std::string* text = reader.text(path)) {
    const std::vector<std::string_view> word = words(*text);
    const auto stored = word.size() > 2 ? parse_integer(word[0], 0, INT64_MAX) : std::nullopt;
    const auto memory = word.size() > 2 ? parse_integer(word[2], 0, INT64_MAX / 100) : std::nullopt;
    if (!stored || !memory) return reader.fail(path, 1, "expected at least three numbers, got " + quote(trim(*text)));
    if (*stored >= kZramTellsFromBytes) {
      swap.zram_percent = static_cast<int>(std::clamp<int64_t>(*memory * 100 / *stored, 1, 100));
      return;
    }
  }
  swap.zram_percent = kZramPercent;
  reader.assume("swap[" + std::to_string(index) + "].zram_percent", std::to_string(kZramPercent),
                "too little stored in " + swap.name + " to tell how well it compresses");
}

}  // namespace

std::optional<int64_t> SnapshotReader::number_file(const std::string& path, int64_t min, int64_t max) {
  const std::string* content = text(path);
  if (!content) return std::nullopt;
  const auto value = parse_integer(trim(*content), min, max);
  if (!value)
    fail(path, 1,
         quote(trim(*content)) + ", expected a number from " + std::to_string(min) + " to " + std::to_string(max));
  return value;
}

void read_machine(SnapshotReader& reader) {
  read_cpuinfo(reader);
  read_meminfo(reader);
}

void read_topology(SnapshotReader& reader) {
  HostSpec& spec = reader.spec;
  const std::string base = "sys/devices/system/node/node";
  // The distance file has a number for every online node; NodeSpec has only nodes with memory.
  std::vector<int> online = reader.node_ids_seen;
  std::sort(online.begin(), online.end());
  for (const auto& [path, text] : reader.files.files) {
    if (!path.starts_with(base)) continue;
    const size_t slash = path.find('/', base.size());
    const auto id = parse_integer(std::string_view(path).substr(base.size(), slash - base.size()), 0, 1023);
    if (id && !std::binary_search(online.begin(), online.end(), static_cast<int>(*id))) {
      return reader.fail(path, 1, "node " + std::to_string(*id) + " is not in proc/zoneinfo; is that file cut off?");
    }
  }
  for (size_t i = 0; i < spec.nodes.size(); ++i) {
    NodeSpec& node = spec.nodes[i];
    const std::string id = std::to_string(node.id.value), field = "nodes[" + std::to_string(i) + "]";
    const std::string distance_path = base + id + "/distance", cpu_path = base + id + "/cpulist";
    if (const std::string* text = reader.text(distance_path)) {
      reader.places.emplace(field + ".distance", reader.place(distance_path, 1));
      std::vector<int> all;
      for (std::string_view word : words(trim(*text))) {
        const auto distance = parse_integer(word, 0, 255);
        if (!distance) return reader.fail(distance_path, 1, "distance " + quote(word) + " is not in 10..255");
        all.push_back(static_cast<int>(*distance));
      }
      if (all.size() != online.size()) {
        return reader.fail(distance_path, 1,
                           std::to_string(all.size()) + " distances, but proc/zoneinfo has " +
                               std::to_string(online.size()) + " nodes; copy both from the same machine");
      }
      for (const NodeSpec& other : spec.nodes) {
        const auto position = std::lower_bound(online.begin(), online.end(), other.id.value) - online.begin();
        node.distance.push_back(all[static_cast<size_t>(position)]);
      }
    } else {
      for (size_t j = 0; j < spec.nodes.size(); ++j) node.distance.push_back(i == j ? 10 : 20);
      if (spec.nodes.size() > 1) reader.assume(field + ".distance", "10 and 20", "no " + distance_path);
    }
    if (const std::string* text = reader.text(cpu_path)) {
      reader.places.emplace(field + ".cpus", reader.place(cpu_path, 1));
      const auto cpus = parse_cpu_list(*text);
      if (!cpus) return reader.fail(cpu_path, 1, quote(trim(*text)) + " is not a CPU list such as 0-3,8");
      node.cpus = *cpus;
    } else {
      // Assume blocks of adjacent CPUs, as most firmware numbers them.
      const size_t count = spec.cpus.size(), nodes = spec.nodes.size();
      for (size_t c = i * count / nodes; c < (i + 1) * count / nodes; ++c) node.cpus.push_back(spec.cpus[c]);
      if (nodes > 1) reader.assume(field + ".cpus", std::to_string(node.cpus.size()) + " neighbours", "no " + cpu_path);
    }
  }
}

void read_swaps(SnapshotReader& reader) {
  constexpr const char* path = "proc/swaps";
  const std::string* text = reader.text(path);
  if (!text) return reader.assume("swap", "none", "no proc/swaps");
  for (const Line& line : lines(*text)) {
    const std::vector<std::string_view> word = words(line.text);
    if (word.empty() || word[0] == "Filename") continue;
    // "/dev/vdb  partition  524284  0  -2". Blanks in a name are printed as \040.
    if (word.size() != 5)
      return reader.fail(path, line.number,
                         "expected name, type, size, used and priority, got " + quote(trim(line.text)));
    const auto size_kb = parse_integer(word[2], 4, kKilobytesMax);
    const auto used_kb = parse_integer(word[3], 0, kKilobytesMax);
    const auto priority = parse_integer(word[4], -32768, 32767);
    if (!size_kb)
      return reader.fail(path, line.number,
                         "size " + quote(word[2]) + " is not in 4.." + std::to_string(kKilobytesMax) + " kB");
    if (!used_kb)
      return reader.fail(path, line.number,
                         "used " + quote(word[3]) + " is not in 0.." + std::to_string(kKilobytesMax) + " kB");
    if (!priority) return reader.fail(path, line.number, "priority " + quote(word[4]) + " is not in -32768..32767");
    SwapSpec swap;
    swap.name = std::string(word[0]);
    swap.size = Bytes(*size_kb * 1024);
    swap.used = Bytes(*used_kb * 1024);
    swap.priority = static_cast<int>(*priority);
    const size_t index = reader.spec.swaps.size();
    decide_rotational(reader, swap, index);
    decide_zram(reader, swap, index);
    reader.places.emplace("swap[" + std::to_string(index) + "]", reader.place(path, line.number));
    reader.spec.swaps.push_back(std::move(swap));
  }
}

void read_processes(SnapshotReader& reader) {
  std::vector<std::pair<int64_t, std::string>> found;  // pid, path of its status
  for (const auto& [path, text] : reader.files.files) {
    if (!path.starts_with("proc/") || !path.ends_with("/status")) continue;
    const auto pid = parse_integer(std::string_view(path).substr(5, path.size() - 5 - 7), 1, 4'194'304);
    if (pid) found.emplace_back(*pid, path);
  }
  std::sort(found.begin(), found.end());
  if (found.empty()) reader.assume("processes", "none", "no proc/PID/status");
  bool undivided = false;
  for (const auto& entry : found) {
    const int64_t pid = entry.first;
    const std::string& path = entry.second;
    ProcessSpec process;
    process.pid = static_cast<int>(pid);
    bool has_memory = false, divided = false;
    Pages resident;
    int resident_line = 1;
    for (const Line& line : lines(*reader.text(path))) {
      const size_t colon = line.text.find(':');
      if (colon == std::string_view::npos) continue;
      const std::string_view key = line.text.substr(0, colon);
      const std::string_view value = trim(line.text.substr(colon + 1));
      const auto integer = [&](int64_t min, int64_t max) {
        const std::vector<std::string_view> word = words(value);
        const auto number = word.empty() ? std::nullopt : parse_integer(word[0], min, max);
        if (!number)
          reader.fail(path, line.number,
                      "'" + std::string(key) + "' is " + quote(value) + ", expected a number; is the file cut off?");
        return number.value_or(0);
      };
      if (key == "Name") process.comm = std::string(value.substr(0, 64));
      if (key == "PPid") process.parent_pid = static_cast<int>(integer(0, 4'194'304));
      if (key == "Uid") process.uid = static_cast<int>(integer(0, 4'294'967'295));
      if (key == "VmSize") {
        process.total_vm = Pages(integer(0, kVirtualKilobytesMax) / 4);
        has_memory = true;
      }
      if (key == "VmRSS") resident = Pages(integer(0, kKilobytesMax) / 4);
      if (key == "RssAnon") {
        divided = true;
        process.rss_anon = Pages(integer(0, kKilobytesMax) / 4);
        resident_line = line.number;
      }
      if (key == "RssFile") process.rss_file = Pages(integer(0, kKilobytesMax) / 4);
      if (key == "RssShmem") process.rss_shmem = Pages(integer(0, kKilobytesMax) / 4);
      if (key == "VmPTE") process.page_tables = Bytes(integer(0, kKilobytesMax) * 1024);
      if (key == "VmSwap") process.swap_entries = Pages(integer(0, kKilobytesMax) / 4);
      if (reader.error) return;
    }
    if (!divided) process.rss_anon = resident;
    undivided |= !divided && resident.count() > 0;
    if (!has_memory) continue;  // a kernel thread: no memory of its own, never an OOM candidate
    const std::string index = "processes[" + std::to_string(reader.spec.processes.size()) + "]";
    const std::string adj_path = "proc/" + std::to_string(pid) + "/oom_score_adj";
    if (const std::string* adj = reader.text(adj_path); adj && adj->empty()) {
      // The process ended after its status was read.
      reader.assume("processes", "without pid " + std::to_string(pid), adj_path + " is empty; it ended meanwhile");
      continue;
    }
    if (const auto adj = reader.number_file(adj_path, -1000, 1000)) {
      process.oom_score_adj = static_cast<int>(*adj);
    } else if (!reader.text(adj_path)) {
      reader.assume(index + ".oom_score_adj", "0", "no " + adj_path);
    }
    reader.places.emplace(index, reader.place(path, resident_line));
    reader.spec.processes.push_back(std::move(process));
  }
  if (!undivided) return;
  divide_resident(reader.spec);
  reader.assume("processes[].rss_anon", "VmRSS by the share of anonymous memory", "no RssAnon before Linux 4.5");
}

}  // namespace oomcast::host
