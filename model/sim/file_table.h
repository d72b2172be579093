// Gives each file in the program's events its position in Host::files, and forgets idle files.
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
  static constexpr size_t kFilesKept = 1024;  // files known before any is forgotten

  explicit FileTable(host::Host& host) : host_(host) {}

  /// The position of file `id`; a new file gets one. `may_forget`: no caller holds a FileIndex, so that idle files may
  /// be forgotten first when there are many.
  host::FileIndex place_of(uint64_t id, bool may_forget);
  /// The file is never forgotten.
  void keep(host::FileIndex file) { kept_.insert(file); }
  /// The position of file `id`, or nothing if the file is not known.
  std::optional<host::FileIndex> find(uint64_t id) const;
  size_t known() const { return places_.size(); }

 private:
  bool idle(host::FileIndex file) const;
  void forget_idle();

  host::Host& host_;
  std::map<uint64_t, host::FileIndex> places_;
  std::set<host::FileIndex> kept_;
  std::vector<host::FileIndex> free_;  // unused positions in Host::files
  size_t forget_at_ = kFilesKept;
};

}  // namespace oomcast::sim
