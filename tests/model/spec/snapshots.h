// Opens the tests' snapshots and changes lines of one. Shared by the tests of the readers.
#pragma once

#include <gtest/gtest.h>
#include <oomcast_paths.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "model/spec/snapshot/read_snapshot.h"

namespace oomcast::host {

inline std::string hosts_directory() { return std::string(OOMCAST_SOURCE_DIR) + "/tests/data/hosts"; }

/// All files of a stored snapshot, in memory; errors will call it "snap".
inline SnapshotFiles load(const std::string& name) {
  namespace fs = std::filesystem;
  SnapshotFiles snapshot;
  snapshot.root = "snap";
  snapshot.name = name;
  const fs::path root = hosts_directory() + "/" + name;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path());
    snapshot.files[fs::relative(entry.path(), root).string()] = {std::istreambuf_iterator<char>(in), {}};
  }
  return snapshot;
}

/// Replaces the first occurrence; the test fails when there is none.
inline void replace(SnapshotFiles& snapshot, const std::string& path, const std::string& from, const std::string& to) {
  std::string& text = snapshot.files.at(path);
  const size_t at = text.find(from);
  ASSERT_NE(at, std::string::npos) << from << " is not in " << path;
  text.replace(at, from.size(), to);
}

inline std::string error_of(const SnapshotFiles& snapshot) {
  const auto result = parse_snapshot(snapshot);
  return result ? "no error" : result.error().message;
}

}  // namespace oomcast::host
