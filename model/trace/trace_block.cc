// The frame of a trace file. See trace_block.h.
#include "model/trace/trace_block.h"

#include <zstd.h>

#include "model/trace/crc32c.h"

namespace oomcast::trace {
namespace {

// The fastest level; it packs well enough. Threads of the guest may be waiting while a block is written.
constexpr int kZstdLevel = 1;

void put_u32(std::string& out, uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) out.push_back(static_cast<char>(value >> shift));
}

uint32_t get_u32(std::string_view bytes, size_t index) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value |= static_cast<uint32_t>(static_cast<uint8_t>(bytes[index * 4 + i])) << (8 * i);
  return value;
}

}  // namespace

std::string trace_file_head() {
  std::string head(kTraceMagic);
  put_u32(head, kTraceVersion);
  put_u32(head, crc32c(head));
  return head;
}

std::string pack_block(BlockType type, uint32_t sequence, std::string_view raw) {
  std::string data(ZSTD_compressBound(raw.size()), '\0');
  data.resize(ZSTD_compress(data.data(), data.size(), raw.data(), raw.size(), kZstdLevel));
  std::string block;
  block.reserve(kBlockHeadBytes + data.size());
  put_u32(block, static_cast<uint32_t>(type));
  put_u32(block, static_cast<uint32_t>(data.size()));
  put_u32(block, static_cast<uint32_t>(raw.size()));
  put_u32(block, sequence);
  put_u32(block, crc32c(block));
  put_u32(block, crc32c(data));
  return block += data;
}

bool BlockReader::unpack(std::string_view data, uint32_t raw_bytes) {
  raw_.resize(raw_bytes);
  return ZSTD_decompress(raw_.data(), raw_.size(), data.data(), data.size()) == raw_bytes;
}

BlockReader::Step BlockReader::next() {
  offset_ = next_offset_;
  sequence_ = next_sequence_;
  const std::string_view rest = all_.substr(offset_);
  if (rest.empty()) return Step::kEnd;
  if (rest.size() < kBlockHeadBytes) return Step::kCut;
  const uint32_t type = get_u32(rest, 0), data_bytes = get_u32(rest, 1), raw_bytes = get_u32(rest, 2);
  // The head has a checksum of its own: a flipped size must not be taken for a file that was cut.
  if (crc32c(rest.substr(0, 16)) != get_u32(rest, 4) || get_u32(rest, 3) != sequence_) return Step::kDamaged;
  if (type < 1 || type > static_cast<uint32_t>(BlockType::kPiece) || raw_bytes > kMostRawBytes) return Step::kDamaged;
  if (rest.size() - kBlockHeadBytes < data_bytes) return Step::kCut;
  const std::string_view data = rest.substr(kBlockHeadBytes, data_bytes);
  if (crc32c(data) != get_u32(rest, 5) || !unpack(data, raw_bytes)) return Step::kDamaged;
  type_ = static_cast<BlockType>(type);
  next_offset_ = offset_ + kBlockHeadBytes + data_bytes;
  ++next_sequence_;
  return Step::kBlock;
}

}  // namespace oomcast::trace
