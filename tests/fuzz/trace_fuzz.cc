// Gives the trace reader any bytes: it must neither crash nor be busy for ever.
//
// The first byte of an input chooses how the rest is taken: 0 a whole file; 1 the events of a block and 2 its summary,
// wrapped in blocks whose checksums are right, since hardly any mutation survives those; 3 the header.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "model/trace/trace_reader.h"

namespace oomcast::trace {
namespace {

void read_all(std::string_view bytes) {
  auto reader = TraceReader::open(bytes, "fuzz");
  if (!reader) return;
  Record record;
  TraceReader::Step step;
  while ((step = reader->next(record)) == TraceReader::Step::kRecord) {
  }
  if (step == TraceReader::Step::kDamaged && reader->error().empty()) __builtin_trap();
  if (reader->next(record) == TraceReader::Step::kRecord) __builtin_trap();
}

std::string wrapped(BlockType type, std::string_view raw) {
  std::string bytes = trace_file_head();
  if (type == BlockType::kHeader) return bytes + pack_block(type, 0, raw);
  return bytes + pack_block(BlockType::kHeader, 0, encode_header({})) + pack_block(type, 1, raw);
}

}  // namespace
}  // namespace oomcast::trace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace oomcast::trace;
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] & 3) {
    case 0:
      read_all(rest);
      break;
    case 1:
      read_all(wrapped(BlockType::kEvents, rest));
      break;
    case 2:
      read_all(wrapped(BlockType::kSummary, rest));
      break;
    default:
      read_all(wrapped(BlockType::kHeader, rest));
      break;
  }
  return 0;
}
