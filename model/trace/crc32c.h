// Are these the bytes that were written? CRC-32C (Castagnoli), which finds every single flipped byte.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace oomcast::trace {

inline constexpr std::array<uint32_t, 256> kCrc32cTable = [] {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ (value & 1 ? 0x82f63b78u : 0);
    table[i] = value;
  }
  return table;
}();

inline uint32_t crc32c(std::string_view bytes) {
  uint32_t value = ~0u;
  for (const char c : bytes) value = (value >> 8) ^ kCrc32cTable[(value ^ static_cast<uint8_t>(c)) & 0xff];
  return ~value;
}

}  // namespace oomcast::trace
