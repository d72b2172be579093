// Names the functions at a place of a file. Looked up at the end, all of a file at one go: while the program
// runs, what libdw unpacks would be memory that it could have, and CPU that it needs.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "preload/record/kernel/unique_fd.h"

namespace oomcast::record {

class Symbolizer {
 public:
  /// Remembers the place: an offset in the file at `path`, a return address there. The file is opened, as it may be
  /// gone at the end.
  void want(const std::string& path, uint64_t file_offset);
  /// Looks up all that was wanted.
  void finish();
  /// After finish(): the functions there, innermost first. "function at file:line", with " (inlined)" where it was,
  /// "function in module" without debug information, "module+0x123" without a symbol.
  const std::vector<std::string>& names(const std::string& path, uint64_t file_offset) const;

 private:
  using Place = std::pair<std::string, uint64_t>;

  std::map<std::string, UniqueFd> files_;
  std::map<Place, std::vector<std::string>> names_;
};

}  // namespace oomcast::record
