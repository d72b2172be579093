// The frame of a trace file: a magic number, then blocks. The head and the zstd data of a block each have a checksum.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace oomcast::trace {

/// The file begins with 16 bytes: these eight, the format version (u32), CRC-32C of the twelve (u32). Little-endian.
inline constexpr std::string_view kTraceMagic = "OOMTRACE";
inline constexpr uint32_t kTraceVersion = 1;
inline constexpr size_t kFileHeadBytes = 16;

/// A header or summary of more than kMostRawBytes is cut into pieces. The last piece has its own type, the others
/// kPiece.
enum class BlockType : uint8_t { kHeader = 1, kEvents = 2, kSummary = 3, kPiece = 4 };

/// Block head: type, data bytes, raw bytes, sequence number, CRC of these four, CRC of the data; six u32. Data follows.
inline constexpr size_t kBlockHeadBytes = 24;
inline constexpr uint32_t kMostRawBytes = 16u << 20;
/// Largest header or summary, all pieces together. It bounds the memory that a damaged or hostile file can claim.
inline constexpr size_t kMostPiecesBytes = size_t{1} << 30;

/// The 16 bytes at the front of a trace file.
std::string trace_file_head();
/// One block, head and compressed data. REQUIRES: raw.size() <= kMostRawBytes.
std::string pack_block(BlockType type, uint32_t sequence, std::string_view raw);

/// Reads the blocks of a file one after the other.
class BlockReader {
 public:
  enum class Step { kBlock, kEnd, kCut, kDamaged };
  BlockReader() = default;
  explicit BlockReader(std::string_view blocks) : all_(blocks) {}
  /// kEnd: nothing is left. kCut: the file ends within a block. kDamaged: a checksum, size, type or number is wrong.
  Step next();

  /// Valid after kBlock.
  BlockType type() const { return type_; }
  const std::string& raw() const { return raw_; }
  /// After kCut or kDamaged: the number of the block, and its offset in bytes in the reader's input.
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
