// What are the functions at this place of this file called? A thread of its own looks them up while the program runs.
//
// Debug information is large: unpacking that of a Python built with it takes 0.1 s, for which nobody has to wait at the end.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace oomcast::record {

class Symbolizer {
 public:
  Symbolizer() = default;
  ~Symbolizer() { finish(); }
  Symbolizer(const Symbolizer&) = delete;
  Symbolizer& operator=(const Symbolizer&) = delete;

  /// Has the place looked up: an offset in the file at `path`, a return address there.
  void want(const std::string& path, uint64_t file_offset);
  /// Waits until all that was wanted has been looked up.
  void finish();
  /// After finish(): the functions there, innermost first. "function at file:line", with " (inlined)" where it was,
  /// "function in module" without debug information, "module+0x123" without a symbol.
  const std::vector<std::string>& names(const std::string& path, uint64_t file_offset) const;

 private:
  using Place = std::pair<std::string, uint64_t>;
  void look_up();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::map<Place, std::vector<std::string>>::iterator> wanted_;
  bool finishing_ = false;
  std::map<Place, std::vector<std::string>> names_;
  std::thread thread_;
};

}  // namespace oomcast::record
