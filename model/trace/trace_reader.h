// Reads a trace from memory, record by record. Trusts none of its bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "model/base/result.h"
#include "model/trace/event_codec.h"
#include "model/trace/trace_block.h"
#include "model/trace/trace_fields.h"

namespace oomcast::trace {

class TraceReader {
 public:
  /// `bytes` is the whole file and must outlive the reader. `name` begins each error message.
  static Result<TraceReader> open(std::string_view bytes, const std::string& name);
  TraceReader(TraceReader&&) = default;  // REQUIRES: next() has not been called

  const TraceHeader& header() const { return header_; }
  enum class Step {
    kRecord,
    kEnd,      // all was read; summary() is valid
    kCut,      // the file ends within the recording: all records before this are good
    kDamaged,  // error() says where
  };
  Step next(Record& out);
  const CaptureSummary& summary() const { return summary_; }
  const std::string& error() const { return error_; }
  /// Byte offset, after the file head, of the block that is being read. For progress.
  size_t offset() const { return blocks_.offset(); }

 private:
  TraceReader(std::string_view blocks, std::string name) : blocks_(blocks), name_(std::move(name)) {}
  BlockReader::Step next_whole();
  Step next_block();
  Step damaged(const char* what);

  BlockReader blocks_;
  std::string name_, error_;
  std::string pieces_;  // the pieces so far of a header or summary that is longer than one block
  TraceHeader header_;
  CaptureSummary summary_;
  EventDecoder decoder_;
  bool in_block_ = false, ended_ = false;
};

}  // namespace oomcast::trace
