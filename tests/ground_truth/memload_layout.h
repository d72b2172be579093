// Says where the memory of a static memload lies, and how the kernel and the program divide it.
#pragma once

#include <cstdint>
#include <vector>

namespace oomcast::ground_truth {

inline constexpr uint64_t kPage = 4096;
inline constexpr uint64_t kText = 0x400000;  // code and constants of a static memload: what readelf says of it
inline constexpr uint64_t kTextPages = 172;
inline constexpr uint64_t kLoops = kText + 0x1000;  // main() and step()
inline constexpr uint64_t kFaultAround = 16;        // pages that the kernel maps along with one, if they are in memory
inline constexpr uint64_t kImage = 0x4c0000;        // .data and .bss of a static memload
inline constexpr uint64_t kImagePages = 4;
inline constexpr uint64_t kFileBuffer = 65536;  // the two static buffers of fw and fr
inline constexpr uint64_t kBrkStart = 0x1000000;
inline constexpr uint64_t kStackTop = 0x7ffffffff000;
inline constexpr uint64_t kStackBytes = 132 << 10;
inline constexpr uint64_t kStackTouched = 2;
inline constexpr uint64_t kMmapTop = 0x7ffff7fff000;
inline constexpr int64_t kShortestSleepNs = 1'000'000;  // memload's pace() does not sleep for less
inline constexpr int kSegv = 11, kFloatingPoint = 8, kKilled = 9;

inline uint64_t page_up(uint64_t bytes) { return (bytes + kPage - 1) / kPage * kPage; }
inline uint64_t page_down(uint64_t address) { return address / kPage * kPage; }

enum class PageState : uint8_t { kAbsent, kZeroPage, kPresent, kShared };  // kShared: copy on write since a fork

struct Region {
  uint64_t start = 0, bytes = 0;
  uint64_t file = 0;  // of shared memory
  bool is_heap = false;
  uint64_t chunk = 0, block_table = 0;
  std::vector<uint64_t> blocks;
};

}  // namespace oomcast::ground_truth
