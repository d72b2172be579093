// How numbers and strings are laid out in a trace: LEB128 varints, zigzag for signed numbers, strings after their
// length.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace oomcast::trace {

inline void put_varint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

inline void put_string(std::string& out, std::string_view text) {
  put_varint(out, text.size());
  out.append(text);
}

/// Maps small numbers of either sign to small numbers. Wraps around, so that any difference of two uint64_t survives.
inline uint64_t zigzag(uint64_t difference) { return (difference << 1) ^ (0 - (difference >> 63)); }
inline uint64_t unzigzag(uint64_t coded) { return (coded >> 1) ^ (0 - (coded & 1)); }

/// Reads what the functions above wrote. The bytes are not trusted: each function returns false if they do not fit.
class ByteCursor {
 public:
  ByteCursor() = default;
  explicit ByteCursor(std::string_view bytes) : rest_(bytes) {}

  bool at_end() const { return rest_.empty(); }
  size_t left() const { return rest_.size(); }

  bool byte(uint8_t& value) {
    if (rest_.empty()) return false;
    value = static_cast<uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return true;
  }
  bool varint(uint64_t& value) {
    value = 0;
    uint8_t part = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (!byte(part)) return false;
      if (shift == 63 && part > 1) return false;  // beyond 64 bits
      value |= uint64_t{part & 0x7fu} << shift;
      if (part < 0x80) return true;
    }
    return false;
  }
  bool bytes(uint64_t count, std::string_view& value) {
    if (count > rest_.size()) return false;
    value = rest_.substr(0, static_cast<size_t>(count));
    rest_.remove_prefix(static_cast<size_t>(count));
    return true;
  }
  bool string(std::string_view& value) {
    uint64_t count = 0;
    return varint(count) && bytes(count, value);
  }

 private:
  std::string_view rest_;
};

}  // namespace oomcast::trace
