// A 64-bit checksum (FNV-1a) of a run of bytes. It finds mix-ups; it does not protect against forgery.
#pragma once

#include <cstdint>
#include <string_view>

namespace oomcast {

class Fnv1a {
 public:
  constexpr Fnv1a& add_byte(uint8_t byte) {
    hash_ = (hash_ ^ byte) * 0x100000001b3u;
    return *this;
  }
  constexpr Fnv1a& add_bytes(std::string_view bytes) {
    for (const char byte : bytes) add_byte(static_cast<uint8_t>(byte));
    return *this;
  }
  /// Adds eight bytes, least significant first.
  constexpr Fnv1a& add_number(int64_t number) {
    for (int shift = 0; shift < 64; shift += 8) add_byte(static_cast<uint8_t>(static_cast<uint64_t>(number) >> shift));
    return *this;
  }
  constexpr uint64_t value() const { return hash_; }

 private:
  uint64_t hash_ = 0xcbf29ce484222325u;
};

}  // namespace oomcast
