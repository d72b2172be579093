// Gives each file that the events of the program name its place in Host::files, and forgets files that are idle.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "model/host/host.h"

namespace oomcast::sim {

class FileTable {
 public:
  static constexpr size_t kFilesKept = 1024;  // so many are known before any is forgotten

  explicit FileTable(host::Host& host) : host_(host) {}

  /// The place of the file that events call `id`; a file that is not known gets one. `may_forget`: nobody has the
  /// number of a file in hand, so idle ones may go first when there are many.
  host::FileIndex place_of(uint64_t id, bool may_forget);
  /// The file is never forgotten.
  void keep(host::FileIndex file) { kept_.insert(file); }
  /// The place of a file if it is known.
  std::optional<host::FileIndex> find(uint64_t id) const;
  size_t known() const { return places_.size(); }

 private:
  bool idle(host::FileIndex file) const;
  void forget_idle();

  host::Host& host_;
  std::map<uint64_t, host::FileIndex> places_;
  std::set<host::FileIndex> kept_;
  std::vector<host::FileIndex> free_;  // places in Host::files that no file has
  size_t forget_at_ = kFilesKept;
};

}  // namespace oomcast::sim
