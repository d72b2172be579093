// PythonNames: names Python functions by their code objects, which are read from the memory of the process.
//
// For CPython 3.8 to 3.13. The line is the one that ran since 3.11, and the first line of the function before.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace oomcast::record {

/// Reads `bytes` of the process's memory; false: not all could be read. Never waits for a page.
using ReadGuest = std::function<bool(uint64_t address, void* out, size_t bytes)>;

/// The line of the instruction with index `unit`, by a code object's location table (co_linetable since 3.11,
/// Objects/locations.md). `first_line` where the table has no line.
int line_of_unit(std::string_view table, int first_line, uint64_t unit);

class PythonNames {
 public:
  explicit PythonNames(ReadGuest read) : read_(std::move(read)) {}

  /// Names one word of ring/python_words.h: "function at file:line". Empty for a version word, before any version word,
  /// and where no code object can be read.
  std::string name(uint64_t word);
  /// The process has exec'ed: forgets names that it has read.
  void forget() { known_.clear(); }

 private:
  struct Code {
    uint64_t file = 0, function = 0, table = 0;
    int32_t first_line = 0;
    friend auto operator<=>(const Code&, const Code&) = default;
  };
  struct Text {
    std::string place, function, table;  // file, qualified name, location table
  };

  bool is_code(uint64_t address) const;
  bool read_code(uint64_t address, Code* out) const;
  const Text& text_of(const Code& code);
  std::string text_at(uint64_t unicode) const;
  std::string bytes_at(uint64_t object, size_t most) const;

  ReadGuest read_;
  uint64_t minor_ = 0, code_type_ = 0;  // from the last version word; minor_ 0: none, or unknown
  std::map<Code, Text> known_;
};

}  // namespace oomcast::record
