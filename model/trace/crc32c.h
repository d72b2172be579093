// CRC-32C (Castagnoli) of a run of bytes: tells whether the bytes are those that were written. Finds every flipped
// byte.
#pragma once

#include <boost/crc.hpp>
#include <cstdint>
#include <string_view>

namespace oomcast::trace {

inline uint32_t crc32c(std::string_view bytes) {
  boost::crc_optimal<32, 0x1edc6f41, 0xffffffff, 0xffffffff, true, true> crc;
  crc.process_bytes(bytes.data(), bytes.size());
  return crc.checksum();
}

}  // namespace oomcast::trace
