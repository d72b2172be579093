// The frame of a trace file: magic, then blocks, each with a checked head and zstd data that has a check of its own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace oomcast::trace {

/// Eight bytes, format version (u32), CRC-32C of those twelve (u32); all numbers little-endian.
inline constexpr std::string_view kTraceMagic = "OOMTRACE";
inline constexpr uint32_t kTraceVersion = 1;
inline constexpr size_t kFileHeadBytes = 16;

/// A header or a summary of more than kMostRawBytes is cut into pieces: all but the last one are kPiece.
enum class BlockType : uint8_t { kHeader = 1, kEvents = 2, kSummary = 3, kPiece = 4 };

/// On disk: type, data bytes, raw bytes, sequence number, CRC of these four, CRC of the data; six u32, then the data.
inline constexpr size_t kBlockHeadBytes = 24;
inline constexpr uint32_t kMostRawBytes = 16u << 20;
/// Of a header or a summary, all its pieces together: a reader that trusts nothing has to stop somewhere.
inline constexpr size_t kMostPiecesBytes = size_t{1} << 30;

std::string trace_file_head();
std::string pack_block(BlockType type, uint32_t sequence, std::string_view raw);

/// Takes blocks off the front of what is left of a file.
class BlockReader {
 public:
  enum class Step { kBlock, kEnd, kCut, kDamaged };
  BlockReader() = default;
  explicit BlockReader(std::string_view blocks) : all_(blocks) {}
  Step next();

  /// Valid after kBlock.
  BlockType type() const { return type_; }
  const std::string& raw() const { return raw_; }
  /// After kCut or kDamaged: the block's number and its offset in what the reader was given.
  uint32_t sequence() const { return sequence_; }
  size_t offset() const { return offset_; }

 private:
  bool unpack(std::string_view data, uint32_t raw_bytes);

  std::string_view all_;
  size_t offset_ = 0, next_offset_ = 0;
  uint32_t sequence_ = 0, next_sequence_ = 0;
  BlockType type_ = BlockType::kEvents;
  std::string raw_;
};

}  // namespace oomcast::trace
