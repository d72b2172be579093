// A 64-bit checksum (FNV-1a) of a run of bytes. It finds mix-ups; it does not protect against forgery.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace oomcast {

class Fnv1a {
 public:
  constexpr Fnv1a& add_byte(uint8_t byte) {
    hash_ = (hash_ ^ byte) * kPrime;
    return *this;
  }
  constexpr Fnv1a& add_bytes(std::string_view bytes) {
    for (const char byte : bytes) add_byte(static_cast<uint8_t>(byte));
    return *this;
  }
  /// Adds eight bytes, least significant first.
  constexpr Fnv1a& add_number(int64_t number) {
    size_t zeros = 8;
    for (auto left = static_cast<uint64_t>(number); left != 0; left >>= 8, --zeros)
      add_byte(static_cast<uint8_t>(left));
    hash_ *= kPowers[zeros];  // a zero byte is a multiplication and nothing else
    return *this;
  }
  constexpr uint64_t value() const { return hash_; }

 private:
  static constexpr uint64_t kPrime = 0x100000001b3u;
  static constexpr std::array<uint64_t, 9> kPowers = [] {
    std::array<uint64_t, 9> powers{1};
    for (size_t i = 1; i < powers.size(); ++i) powers[i] = powers[i - 1] * kPrime;
    return powers;
  }();
  uint64_t hash_ = 0xcbf29ce484222325u;
};

}  // namespace oomcast
