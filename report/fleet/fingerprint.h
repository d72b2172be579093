// A 64-bit checksum (FNV-1a) of a list of values, each added with its length.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "model/base/fnv1a.h"

namespace oomcast::report {

/// Finds mix-ups; does not protect against forgery.
class Fingerprint {
 public:
  Fingerprint& add(std::string_view text) {
    add_number(static_cast<int64_t>(text.size()));
    hash_.add_bytes(text);
    return *this;
  }
  Fingerprint& add_number(int64_t number) {
    hash_.add_number(number);
    return *this;
  }
  /// 16 hexadecimal digits.
  std::string text() const {
    std::string digits;
    for (int shift = 60; shift >= 0; shift -= 4) digits += "0123456789abcdef"[(hash_.value() >> shift) & 15];
    return digits;
  }

 private:
  Fnv1a hash_;
};

}  // namespace oomcast::report
