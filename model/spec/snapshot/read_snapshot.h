// Reads a host description from the text of the kernel's files. Opens no file.
#pragma once

#include <map>
#include <string>

#include "model/base/result.h"
#include "model/spec/host_spec.h"

namespace oomcast::host {

/// The files of a snapshot by path below the snapshot's directory: "proc/zoneinfo" -> text.
struct SnapshotFiles {
  std::string root;  // for error messages: the directory or the packed file, as "hosts/db7"; may be empty
  std::string name;  // becomes HostSpec::name
  std::map<std::string, std::string> files;
  std::map<std::string, int> first_lines;  // packed file: the line on which each text begins, by path; else empty
};

/// Errors read "ROOT/FILE:LINE: what, what to try"; for a packed file "ROOT:LINE: FILE: what, what to try". The result
/// has passed validate(). Pass by std::move(): the snapshot of a large host has megabytes.
Result<HostSpec> parse_snapshot(SnapshotFiles snapshot);

}  // namespace oomcast::host
