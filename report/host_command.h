// Describes a machine to people, for `oomcast host`. Pure text; opening files and `host capture` are in
// commands/host.cc.
#pragma once

#include <string>

#include "model/spec/host_spec.h"

namespace oomcast::report {

/// `oomcast host list`: one line per preset.
std::string render_host_list();
/// `oomcast host show H`: nodes, zones with their marks in pages and bytes, swap, settings, processes, assumptions.
std::string render_host(const host::HostSpec& spec);

}  // namespace oomcast::report
