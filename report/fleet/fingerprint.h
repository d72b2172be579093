// Tells whether two lists of values are the same, by 64 bits: FNV-1a over each value with its length.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace oomcast::report {

/// Against mix-ups, not against forgery.
class Fingerprint {
 public:
  Fingerprint& add(std::string_view text) {
    add_number(static_cast<int64_t>(text.size()));
    for (const char c : text) mix(static_cast<uint8_t>(c));
    return *this;
  }
  Fingerprint& add_number(int64_t number) {
    for (int shift = 0; shift < 64; shift += 8) mix(static_cast<uint8_t>(static_cast<uint64_t>(number) >> shift));
    return *this;
  }
  /// 16 hexadecimal digits.
  std::string text() const {
    std::string digits;
    for (int shift = 60; shift >= 0; shift -= 4) digits += "0123456789abcdef"[(hash_ >> shift) & 15];
    return digits;
  }

 private:
  void mix(uint8_t byte) { hash_ = (hash_ ^ byte) * 0x100000001b3u; }
  uint64_t hash_ = 0xcbf29ce484222325u;
};

}  // namespace oomcast::report
