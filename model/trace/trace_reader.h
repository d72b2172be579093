// Reads a trace from memory, record by record; trusts none of its bytes.
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
  /// `bytes` is the whole file and must outlive the reader; `name` leads the errors.
  static Result<TraceReader> open(std::string_view bytes, const std::string& name);
  TraceReader(TraceReader&&) = default;  // before the first next()

  const TraceHeader& header() const { return header_; }
  enum class Step {
    kRecord,
    kEnd,      // all was read; summary() is valid
    kCut,      // the file ends in the middle of a recording: what came before is whole
    kDamaged,  // error() says where
  };
  Step next(Record& out);
  const CaptureSummary& summary() const { return summary_; }
  const std::string& error() const { return error_; }
  /// Where the block begins that is being read: how far the reader has come.
  size_t offset() const { return blocks_.offset(); }

 private:
  TraceReader(std::string_view blocks, std::string name) : blocks_(blocks), name_(std::move(name)) {}
  BlockReader::Step next_whole();
  Step next_block();
  Step damaged(const char* what);

  BlockReader blocks_;
  std::string name_, error_;
  std::string pieces_;  // of a header or summary that is too long for one block, up to its last one
  TraceHeader header_;
  CaptureSummary summary_;
  EventDecoder decoder_;
  bool in_block_ = false, ended_ = false;
};

}  // namespace oomcast::trace
