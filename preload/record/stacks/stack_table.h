// Tells whose memory it was. Sites are kept once each, as a kind of memory and a sampled stack of modules and offsets,
// and named at the end.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "preload/record/kernel/proc_maps.h"
#include "preload/record/stacks/perf_map.h"
#include "preload/record/stacks/python_names.h"
#include "preload/record/stacks/site_kind.h"
#include "preload/record/stacks/symbolizer.h"

namespace oomcast::record {

/// A program counter that no longer needs the process it came from.
struct Frame {
  uint32_t module = 0;  // index of a file, 0: not in any file
  uint64_t offset = 0;  // in the file, or the address itself, or of kNamed the number of the name
  friend auto operator<=>(const Frame&, const Frame&) = default;
};

/// Instead of a module: the frame has had its name from the start.
inline constexpr uint32_t kNamed = UINT32_MAX;

class StackTable {
 public:
  /// The number of this site, counted from 1; 0 if the stack is empty or there are too many. `maps` are the process's
  /// mappings at the time, at least the executable ones. Frames of our own library are left out. `pid`: whose perf map
  /// may name what lies in no file; 0: there is none. `python`: names words of ring/python_words.h; without it they are
  /// left out.
  uint32_t intern(std::span<const uint64_t> counters, const std::vector<Vma>& maps, SiteKind kind = SiteKind::kHeap,
                  uint32_t pid = 0, PythonNames* python = nullptr);
  /// The site of memory of which no more than the kind is known.
  uint32_t intern_kind(SiteKind kind) {
    uint32_t& known = kind_numbers_[static_cast<size_t>(kind)];
    return known != 0 ? known : known = number_of({kind, {}});
  }
  /// Somebody will read its names. 0: no site.
  void will_be_read(uint32_t number);
  /// Names of those that will be read, by number - 1, as Symbolizer gives them. At the end of the run.
  std::vector<std::vector<std::string>> resolve();
  /// Names of their kinds, by number - 1.
  std::vector<std::string> kinds() const;
  size_t size() const { return sites_.size(); }
  /// Samples of further stacks, once there were too many.
  uint64_t left_out() const { return left_out_; }

 private:
  using Key = std::pair<SiteKind, std::vector<Frame>>;
  struct Site {
    const Key* key;  // of numbers_
    bool read = false;
  };

  uint32_t number_of(Key key);
  Frame frame_of(uint64_t counter, const std::vector<Vma>& maps, uint32_t pid, bool* ours);
  uint32_t module_number(const std::string& name);
  uint64_t name_number(const std::string& name);
  void append_names(const Frame& frame, std::vector<std::string>* out);

  Symbolizer symbolizer_;
  std::map<Key, uint32_t> numbers_;
  std::vector<Site> sites_;
  std::array<uint32_t, kSiteKinds> kind_numbers_{};  // of those of which no more than the kind is known; 0: none yet
  uint64_t left_out_ = 0;
  std::vector<std::string> modules_{""};
  std::map<std::string, uint32_t> module_numbers_;
  std::vector<std::string> names_;
  std::map<std::string, uint64_t> name_numbers_;
  std::map<uint32_t, UniqueFd> perf_map_files_;    // by module
  std::map<uint32_t, PerfMap> perf_maps_;          // by module, at the end
  std::map<uint32_t, uint32_t> perf_map_modules_;  // by pid; 0: it has none, so far
  uint32_t perf_map_misses_ = 0;
};

}  // namespace oomcast::record
