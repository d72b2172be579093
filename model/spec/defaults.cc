// Fills in what a source does not say. See defaults.h.
#include "model/spec/defaults.h"

#include <algorithm>

#include "model/spec/field_names.h"
#include "model/spec/kernel_rules.h"
#include "model/spec/watermarks.h"

namespace oomcast::host {
namespace {

// A recent server without virtualisation, and a SATA or virtual SSD.
constexpr Nanoseconds kPageFault{800};
constexpr int64_t kPageTouchPs = 1000;
constexpr DeviceTimes kZram{Nanoseconds(2'000), Nanoseconds(6'000), Nanoseconds(64'000), Nanoseconds(192'000)};
constexpr DeviceTimes kSsd{Nanoseconds(90'000), Nanoseconds(30'000), Nanoseconds(250'000), Nanoseconds(150'000)};

}  // namespace

void assume_calibration(HostSpec& spec, const char* why) {
  const auto note = [&](const char* field, int64_t value) {
    const std::string line = std::string(field) + ": " + std::to_string(value) + " (" + why + ")";
    if (std::find(spec.assumed.begin(), spec.assumed.end(), line) == spec.assumed.end()) spec.assumed.push_back(line);
  };
  Calibration& speed = spec.calibration;
  if (speed.page_fault.count() == 0) note("calibration.page_fault_ns", (speed.page_fault = kPageFault).count());
  if (speed.page_touch_ps == 0) note("calibration.page_touch_ps", speed.page_touch_ps = kPageTouchPs);
  // The target's speed of computing cannot be guessed: its CPUs are assumed to be those of the recording machine.
  if (speed.cpu_loop_20m.count() == 0) note("calibration.cpu_loop_20m_ns", 0);
}

void assume_ssd(HostSpec& spec, DeviceTimes& times, const std::string& field, const char* why) {
  if (times.read_4k.count() == 0 && times.write_4k.count() == 0 && times.read_128k.count() == 0 &&
      times.write_128k.count() == 0) {
    times = kSsd;
    spec.assumed.push_back(field + ": an SSD with 90 us per 4 KiB read, 30 us per write, 250 and 150 us per 128 KiB (" +
                           why + ")");
    return;
  }
  // Only one direction was measured: the other is assumed to take as long. Zero would mean no time at all.
  const auto fill = [&](Nanoseconds& time, Nanoseconds sibling, Nanoseconds standard, const char* name) {
    if (time.count() != 0) return;
    time = sibling.count() != 0 ? sibling : standard;
    spec.assumed.push_back(field + "." + name + ": " + std::to_string(time.count()) + " (" + why +
                           (sibling.count() != 0 ? "; as the other direction)" : "; an SSD)"));
  };
  fill(times.read_4k, times.write_4k, kSsd.read_4k, "read_4k_ns");
  fill(times.write_4k, times.read_4k, kSsd.write_4k, "write_4k_ns");
  fill(times.read_128k, times.write_128k, kSsd.read_128k, "read_128k_ns");
  fill(times.write_128k, times.read_128k, kSsd.write_128k, "write_128k_ns");
}

void assume_block_size(HostSpec& spec, const char* why) {
  spec.file_block_bytes = kPageBytes;
  spec.assumed.push_back("disk.block_bytes: " + std::to_string(kPageBytes) + " (" + why + ")");
}

bool is_block_size(int64_t bytes) {
  return bytes == 0 || bytes == 512 || bytes == 1024 || bytes == 2048 || bytes == 4096;
}

void assume_swap_times(HostSpec& spec, SwapSpec& swap, const std::string& field, const char* why) {
  DeviceTimes& times = swap.times;
  const bool unknown = times.read_4k.count() == 0 && times.write_4k.count() == 0;
  if (swap.zram_percent == 0 || !unknown) return assume_ssd(spec, times, field, why);
  times = kZram;
  spec.assumed.push_back(field + ": 2 us to decompress a page and 6 us to compress one (" + why + ")");
}

Zpool default_zpool(KernelVersion kernel) {
  return holds(KernelRule::kZswapByGroup, kernel) ? Zpool::kZsmalloc : Zpool::kZbud;
}

// lzo takes as long as zram's lzo-rle: 7.5 page faults to compress a page and 2.5 to decompress one, measured.
void assume_zswap(HostSpec& spec, bool stored_known, const char* why) {
  ZswapSpec& zswap = spec.zswap;
  if (!zswap.enabled) return;
  if (!stored_known)
    spec.assumed.push_back("zswap.stored_percent: " + std::to_string(zswap.stored_percent) + " (" + why + ")");
  if (zswap.compress.count() == 0) zswap.compress = spec.calibration.page_fault * 15 / 2;
  if (zswap.decompress.count() == 0) zswap.decompress = spec.calibration.page_fault * 5 / 2;
}

void default_settings(HostSpec& spec) {
  // init_user_reserve() and init_admin_reserve() (mm/mmap.c): a 32nd of the free memory at boot, capped. Nearly all
  // memory is free then.
  const int64_t free_at_boot_kb = spec.total_ram.count() * 4;
  spec.vm.user_reserve_kbytes = std::min<int64_t>(free_at_boot_kb / 32, 131072);
  spec.vm.admin_reserve_kbytes = std::min<int64_t>(free_at_boot_kb / 32, 8192);
  if (!holds(KernelRule::kWatermarkBoost, spec.kernel)) spec.vm.watermark_boost_factor = 0;
  spec.vm.numa_balancing = spec.nodes.size() > 1 ? 1 : 0;
  // hugepage_init() turns huge pages off on hosts below 512 MiB.
  spec.vm.thp_enabled = spec.total_ram < Pages(131072) ? ThpMode::kNever : ThpMode::kAlways;
}

LruKind default_lru(KernelVersion kernel) {
  return holds(KernelRule::kMultiGenByDefault, kernel) ? LruKind::kMultiGen : LruKind::kClassic;
}

namespace {

constexpr KernelVersion kNewestKnown{6, 12};

bool measured(KernelVersion kernel) {
  return kernel == KernelVersion{5, 10} || kernel == KernelVersion{6, 1} || kernel == kNewestKnown;
}

// "4.18.0-513.el8.x86_64": Red Hat's kernels have whole subsystems of later versions.
bool has_backports(const std::string& release) {
  const size_t at = release.find(".el");
  return at != std::string::npos && at + 3 < release.size() && release[at + 3] >= '0' && release[at + 3] <= '9';
}

std::string words_on_rules(const HostSpec& spec) {
  if (spec.kernel > kNewestKnown)
    return "those of 6.12, the newest that are known (" + spec.kernel_release + " is later)";
  std::string words;
  if (!measured(spec.kernel)) {
    words = "those of " + std::to_string(spec.kernel.major) + "." + std::to_string(spec.kernel.minor) +
            " by the dates of their changes; 5.10, 6.1 and 6.12 were measured against real kernels";
  }
  const auto add = [&words](const char* more) { words += (words.empty() ? "" : "; ") + std::string(more); };
  if (has_backports(spec.kernel_release)) add("what the distribution has taken from later versions is not known");
  if (spec.kernel < KernelVersion{4, 8}) add("lists that it keeps for each zone are taken for those of the node");
  return words;
}

}  // namespace

void note_kernel_rules(HostSpec& spec) {
  const std::string words = words_on_rules(spec);
  if (words.empty()) return;
  const std::string note = "kernel rules: " + words;
  if (std::find(spec.assumed.begin(), spec.assumed.end(), note) == spec.assumed.end()) spec.assumed.push_back(note);
}

void unfragment(ZoneSpec& zone) {
  int64_t rest = zone.free.count();
  for (size_t order = zone.free_blocks.size(); order-- > 0;) {
    zone.free_blocks[order] = rest >> order;
    rest -= zone.free_blocks[order] << order;
  }
}

void setup_zones(HostSpec& spec) {
  setup_watermarks(spec);
  setup_lowmem_reserve(spec);
  setup_pcp(spec);
  for (NodeSpec& node : spec.nodes) {
    for (ZoneSpec& zone : node.zones) {
      zone.stat_threshold = stat_threshold(zone.managed, static_cast<int>(spec.cpus.size()));
      unfragment(zone);
    }
  }
}

}  // namespace oomcast::host
