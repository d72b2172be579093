// Symbolizer: names the functions at offsets of files. All look-ups are made at the end of the run, file by file:
// earlier, the tables that libdw unpacks would take memory and CPU from the program.
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
  /// Remembers a place: a return address at this offset of the file at `path`. Opens the file, which may be gone at the
  /// end.
  void want(const std::string& path, uint64_t file_offset);
  /// Looks up all places that were wanted.
  void finish();
  /// The functions at a place, innermost first: "function at file:line", with " (inlined)" if it was inlined, "function
  /// in module" without debug information, "module+0x123" without a symbol. REQUIRES: finish(), and want() of the
  /// place.
  const std::vector<std::string>& names(const std::string& path, uint64_t file_offset) const;

 private:
  using Place = std::pair<std::string, uint64_t>;

  std::map<std::string, UniqueFd> files_;
  std::map<Place, std::vector<std::string>> names_;
};

}  // namespace oomcast::record
