// Finds the kernel's files in a sosreport as it comes: a tar archive with one folder, DESIGN section 4 below it.
#pragma once

#include <string>
#include <string_view>

#include "model/base/result.h"
#include "model/spec/snapshot/read_snapshot.h"
#include "report/host_files/archive.h"

namespace oomcast::report {

/// The members that a snapshot consists of, wherever in the archive its folder is; that folder names the host.
/// `path` names the archive in errors: it holds no sosreport, several, or a link that leads out of it.
Result<host::SnapshotFiles> sosreport_in(const ArchiveContent& archive, const std::string& path);

/// Whether a member may belong to a sosreport's files, whatever folder they are in.
bool may_be_of_sosreport(std::string_view member);

}  // namespace oomcast::report
