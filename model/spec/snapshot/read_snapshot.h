// Reads the host from the kernel's own files. Pure text in, host description out; no file is opened here.
#pragma once

#include <map>
#include <string>

#include "model/base/result.h"
#include "model/spec/host_spec.h"

namespace oomcast::host {

/// The files of a snapshot by their path below its directory: "proc/zoneinfo" -> text.
struct SnapshotFiles {
  std::string root;  // for error messages: "hosts/db7", the directory or the packed file; may be empty
  std::string name;  // becomes HostSpec::name
  std::map<std::string, std::string> files;
  std::map<std::string, int> first_lines;  // where the texts begin in a packed file, by path; else empty
};

/// Errors read "ROOT/FILE:LINE: what, what to try", of a packed file "ROOT:LINE: FILE: what, what to try". The result
/// is valid (see validate()). A snapshot of a large host has megabytes: give it away with std::move().
Result<HostSpec> parse_snapshot(SnapshotFiles snapshot);

}  // namespace oomcast::host
