// Reads the list of a fleet's hosts: a folder of host files, or a file with one host per line.
#pragma once

#include <string>

#include "model/base/result.h"
#include "report/variation.h"

namespace oomcast::report {

/// `path` is a folder or a file. In a folder each entry whose name does not begin with a dot is a host (a file or a
/// snapshot), sorted by name. In a file each line is a host: a path relative to the file's folder, or a preset; empty
/// lines and lines that begin with # are skipped. Errors: `path` cannot be read, it holds no host, the folder is itself
/// the snapshot of one host.
Result<Variation> read_host_list(const std::string& path);

}  // namespace oomcast::report
