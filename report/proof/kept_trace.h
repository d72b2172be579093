// Keeps the recording of a run for the proofs: in memory, or beyond a limit in a file without a name.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "model/base/result.h"

namespace oomcast::report {

class KeptTrace {
 public:
  static constexpr size_t kMostInMemory = size_t{64} << 20;
  static constexpr size_t kMostInAll = size_t{8} << 30;

  explicit KeptTrace(size_t most_in_memory = kMostInMemory, size_t most_in_all = kMostInAll);
  ~KeptTrace();
  KeptTrace(const KeptTrace&) = delete;
  KeptTrace& operator=(const KeptTrace&) = delete;

  /// False if the block, or an earlier one, could not be kept: nothing is kept then, and view() says why.
  bool append(std::string_view block);
  /// All blocks in order. Valid while this object lives and nothing is appended. Error: a block could not be kept.
  Result<std::string_view> view();
  bool in_file() const { return fd_ >= 0; }

 private:
  bool give_up(const std::string& why);
  bool move_to_file();
  bool write(std::string_view bytes);

  size_t most_in_memory_, most_in_all_, size_ = 0;
  std::string in_memory_;
  std::string problem_;
  int fd_ = -1;
  void* mapped_ = nullptr;
};

}  // namespace oomcast::report
