// Says where the memory of a static memload lies, and how the kernel and the program divide it.
#pragma once

#include <cstdint>

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

}  // namespace oomcast::ground_truth
