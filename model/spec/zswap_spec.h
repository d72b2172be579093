// Describes zswap on the target: a compressed cache in memory in front of every swap device.
//
// /sys/module/zswap/parameters, and what no file of the kernel's says: how well pages compress.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/base/units.h"

namespace oomcast::host {

/// How the pool's pages hold what is stored: zbud two to a page at most, z3fold three, zsmalloc packed.
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

inline constexpr int kZswapStoredPercent = 33;  // as zram's (kZramPercent): between text and heaps of most programs

struct ZswapSpec {
  bool enabled = false;
  int max_pool_percent = 20;          // of memory
  int accept_threshold_percent = 90;  // of that: once full, the pool takes nothing until it has shrunk to this
  bool shrinker_enabled = false;      // {6.8}
  bool same_filled = true;            // {before 6.12} same_filled_pages_enabled
  Zpool zpool = Zpool::kZsmalloc;
  std::string compressor = "lzo";
  int stored_percent = kZswapStoredPercent;  // what a page takes when it is compressed, of a page
  int same_filled_percent = 0;               // of the pages that go to swap: those of one value ({6.12}: of zeros)
  Nanoseconds compress, decompress;          // one page
  Pages pool;                                // what the pool takes when the run begins; it stays
  /// How many pages the pool may take of a host with so much memory.
  int64_t pool_pages_max(int64_t total_ram) const { return total_ram * max_pool_percent / 100; }
};

}  // namespace oomcast::host
