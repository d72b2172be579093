// StackTable: the sites, each stored once: a kind of memory and a sampled stack. A stack is a list of modules and file
// offsets, which are named at the end of the run.
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

/// A program counter in a form that stays valid after its process has ended.
struct Frame {
  uint32_t module = 0;  // index into StackTable::modules_; 0: in no file
  uint64_t offset = 0;  // in the file; module 0 or a perf map: the address; kNamed: the index of the name
  friend auto operator<=>(const Frame&, const Frame&) = default;
};

/// As a module: the frame was named at once (Python).
inline constexpr uint32_t kNamed = UINT32_MAX;

class StackTable {
 public:
  /// The number of this site, from 1. 0: the stack is empty (except a kStack's), or there are 100,000 sites already.
  /// `maps`: the process's mappings at the time, at least the executable ones. Frames of liboomcast.so are left out.
  /// `pid`: the process whose perf map names code outside of files; 0: none. `python`: names the words of
  /// ring/python_words.h; without it they are left out.
  uint32_t intern(std::span<const uint64_t> counters, const std::vector<Vma>& maps, SiteKind kind = SiteKind::kHeap,
                  uint32_t pid = 0, PythonNames* python = nullptr);
  /// The number of the site that is only a kind, without a stack.
  uint32_t intern_kind(SiteKind kind) {
    uint32_t& known = kind_numbers_[static_cast<size_t>(kind)];
    return known != 0 ? known : known = number_of({kind, {}});
  }
  /// The site's names will be needed at the end. 0: no site.
  void will_be_read(uint32_t number);
  /// At the end of the run: names of the sites that will_be_read(), by number - 1, as Symbolizer gives them; empty for
  /// the others.
  std::vector<std::vector<std::string>> resolve();
  /// Names of the sites' kinds, by number - 1.
  std::vector<std::string> kinds() const;
  size_t size() const { return sites_.size(); }
  /// Samples of new stacks that came when the table was full.
  uint64_t left_out() const { return left_out_; }

 private:
  using Key = std::pair<SiteKind, std::vector<Frame>>;
  struct Site {
    const Key* key;  // a key of numbers_
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
  std::array<uint32_t, kSiteKinds> kind_numbers_{};  // number of the site that is only this kind; 0: none yet
  uint64_t left_out_ = 0;
  std::vector<std::string> modules_{""};
  std::map<std::string, uint32_t> module_numbers_;
  std::vector<std::string> names_;
  std::map<std::string, uint64_t> name_numbers_;
  std::map<uint32_t, UniqueFd> perf_map_files_;    // by module
  std::map<uint32_t, PerfMap> perf_maps_;          // by module, filled at the end
  std::map<uint32_t, uint32_t> perf_map_modules_;  // by pid; 0: no perf map was found so far
  uint32_t perf_map_misses_ = 0;
};

}  // namespace oomcast::record
