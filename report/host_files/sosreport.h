// Finds the kernel's files in a sosreport: a tar archive with one folder, and a snapshot's tree below it.
#pragma once

#include <string>
#include <string_view>

#include "model/base/result.h"
#include "model/spec/snapshot/read_snapshot.h"
#include "report/host_files/archive.h"

namespace oomcast::report {

/// The files of the snapshot, in whatever folder of the archive. That folder names the host. `path` names the archive
/// in errors: it has no sosreport, several, or a link that leads out of it.
Result<host::SnapshotFiles> sosreport_in(const ArchiveContent& archive, const std::string& path);

/// Whether a member may be a file of a sosreport, in whatever folder.
bool may_be_of_sosreport(std::string_view member);

}  // namespace oomcast::report
