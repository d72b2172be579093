// Reads which hosts a fleet has: a folder of host files, or a list of them.
#pragma once

#include <string>

#include "model/base/result.h"
#include "report/variation.h"

namespace oomcast::report {

/// A folder: each file and each snapshot directory in it is a host, by name; names that begin with a dot are none. A
/// file: one host a line, a path beside that file or a preset; empty lines and those that begin with # say nothing.
/// Errors: nothing there, no host in it, a folder that is one host itself.
Result<Variation> read_host_list(const std::string& path);

}  // namespace oomcast::report
