// Description of zswap on the target: a compressed cache in memory in front of every swap device.
//
// /sys/module/zswap/parameters, and how well pages compress, which no file of the kernel's says.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/base/units.h"

namespace oomcast::host {

/// How a page of the pool holds compressed pages: zbud at most two, z3fold at most three, zsmalloc packed.
enum class Zpool : uint8_t { kZbud, kZ3fold, kZsmalloc };
struct ZpoolName {
  Zpool zpool;
  const char* name;
};
inline constexpr std::array kZpoolNames = {ZpoolName{Zpool::kZbud, "zbud"}, ZpoolName{Zpool::kZ3fold, "z3fold"},
                                           ZpoolName{Zpool::kZsmalloc, "zsmalloc"}};
constexpr const char* zpool_name(Zpool zpool) { return kZpoolNames[static_cast<size_t>(zpool)].name; }
constexpr std::optional<Zpool> zpool_of(std::string_view name) {
  for (const ZpoolName& known : kZpoolNames) {
    if (name == known.name) return known.zpool;
  }
  return std::nullopt;
}

inline constexpr int kZswapStoredPercent = 33;  // as kZramPercent: between text and the heaps of most programs

struct ZswapSpec {
  bool enabled = false;
  int max_pool_percent = 20;          // of the host's memory
  int accept_threshold_percent = 90;  // of max_pool_percent: a full pool accepts nothing until it has shrunk to this
  bool shrinker_enabled = false;      // from 6.8 on
  bool same_filled = true;            // before 6.12: same_filled_pages_enabled
  Zpool zpool = Zpool::kZsmalloc;
  std::string compressor = "lzo";
  int stored_percent = kZswapStoredPercent;  // size of a compressed page, in percent of a page
  int same_filled_percent = 0;               // share of the pages that go to swap that hold one value (6.12: zeros)
  Nanoseconds compress, decompress;          // time per page
  Pages pool;                                // what the pool holds when the run begins; it stays
  /// Most pages that the pool may take on a host with `total_ram` pages.
  int64_t pool_pages_max(int64_t total_ram) const { return total_ram * max_pool_percent / 100; }
};

}  // namespace oomcast::host
