// Writes the part of protocol buffers' wire format that profile.proto needs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace oomcast::report {

/// One message under construction. Fields are written in the order of the calls; a field of value 0 is written, too.
class ProtobufMessage {
 public:
  void add_integer(int field, int64_t value) {
    add_key(field, kVarint);
    add_varint(static_cast<uint64_t>(value));
  }
  void add_bytes(int field, std::string_view value) {
    add_key(field, kLengthDelimited);
    add_varint(value.size());
    bytes_ += value;
  }
  void add_message(int field, const ProtobufMessage& value) { add_bytes(field, value.bytes_); }
  /// Writes a repeated number, packed as in proto3.
  void add_integers(int field, const std::vector<int64_t>& values) {
    ProtobufMessage packed;
    for (int64_t value : values) packed.add_varint(static_cast<uint64_t>(value));
    add_message(field, packed);
  }
  const std::string& bytes() const { return bytes_; }

 private:
  static constexpr int kVarint = 0, kLengthDelimited = 2;
  void add_key(int field, int wire_type) {
    add_varint(static_cast<uint64_t>(field) << 3 | static_cast<uint64_t>(wire_type));
  }
  void add_varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(value | 0x80);
    bytes_ += static_cast<char>(value);
  }

  std::string bytes_;
};

}  // namespace oomcast::report
