// Reads a trace from memory. See trace_reader.h.
#include "model/trace/trace_reader.h"

#include "model/trace/crc32c.h"

namespace oomcast::trace {

Result<TraceReader> TraceReader::open(std::string_view bytes, const std::string& name) {
  const std::string head = trace_file_head();
  if (bytes.substr(0, kTraceMagic.size()) != kTraceMagic.substr(0, bytes.size()) || bytes.empty())
    return Error{name + ": not a trace; 'oomcast run --trace FILE' records one"};
  if (bytes.size() < kFileHeadBytes) return Error{name + ": cut before its first block; record it again"};
  if (bytes.substr(0, kFileHeadBytes) != head) {
    // The version is named only if the checksum confirms it.
    std::string other(bytes.substr(0, 12));
    const uint32_t check = crc32c(other);
    for (int i = 0; i < 4; ++i) other.push_back(static_cast<char>(check >> (8 * i)));
    if (bytes.substr(0, kFileHeadBytes) == other)
      return Error{name + ": trace format " + std::to_string(static_cast<uint8_t>(other[8])) + ", this oomcast reads " +
                   std::to_string(kTraceVersion) + "; use the version that recorded it"};
    return Error{name + ": damaged in its first 16 bytes; record it again"};
  }
  TraceReader reader(bytes.substr(kFileHeadBytes), name);
  switch (reader.next_whole()) {
    case BlockReader::Step::kEnd:
    case BlockReader::Step::kCut:
      return Error{name + ": cut before its first block ends; record it again"};
    case BlockReader::Step::kDamaged:
      reader.damaged("its checksum is wrong");
      return Error{reader.error_};
    case BlockReader::Step::kBlock:
      break;
  }
  if (reader.blocks_.type() != BlockType::kHeader || !decode_header(reader.pieces_, reader.header_)) {
    reader.damaged("no header");
    return Error{reader.error_};
  }
  return reader;
}

TraceReader::Step TraceReader::damaged(const char* what) {
  ended_ = true;
  error_ = name_ + ": damaged in block " + std::to_string(blocks_.sequence()) + " at byte " +
           std::to_string(kFileHeadBytes + blocks_.offset()) + " (" + what + "); copy or record it again";
  return Step::kDamaged;
}

/// Reads the next block. Of a header or summary it reads all pieces and joins them in pieces_.
BlockReader::Step TraceReader::next_whole() {
  pieces_.clear();
  for (;;) {
    const BlockReader::Step step = blocks_.next();
    if (step != BlockReader::Step::kBlock) return step;
    if (blocks_.type() == BlockType::kEvents) return pieces_.empty() ? step : BlockReader::Step::kDamaged;
    if (blocks_.raw().size() > kMostPiecesBytes - pieces_.size()) return BlockReader::Step::kDamaged;
    pieces_ += blocks_.raw();
    if (blocks_.type() != BlockType::kPiece) return step;
  }
}

TraceReader::Step TraceReader::next_block() {
  switch (next_whole()) {
    case BlockReader::Step::kEnd:
    case BlockReader::Step::kCut:
      return Step::kCut;
    case BlockReader::Step::kDamaged:
      return damaged("its checksum is wrong");
    case BlockReader::Step::kBlock:
      break;
  }
  if (blocks_.type() == BlockType::kEvents) {
    if (!decoder_.open(blocks_.raw())) return damaged("its columns do not fit");
    in_block_ = true;
    return Step::kRecord;
  }
  if (blocks_.type() != BlockType::kSummary || !decode_summary(pieces_, summary_)) return damaged("no events");
  if (blocks_.next() != BlockReader::Step::kEnd) return damaged("it follows the last one");
  return Step::kEnd;
}

TraceReader::Step TraceReader::next(Record& out) {
  for (;;) {
    if (!in_block_) {
      // A call after the end gets the same answer again.
      if (ended_) return error_.empty() ? Step::kEnd : Step::kDamaged;
      const Step step = next_block();
      if (step == Step::kEnd) ended_ = true;
      if (step != Step::kRecord) return step;
    }
    switch (decoder_.next(out)) {
      case EventDecoder::Step::kRecord:
        return Step::kRecord;
      case EventDecoder::Step::kEnd:
        in_block_ = false;
        break;
      case EventDecoder::Step::kMalformed:
        in_block_ = false;
        return damaged("a record makes no sense");
    }
  }
}

}  // namespace oomcast::trace
