// Describes a machine to people, for `oomcast host`, as pure text. commands/host.cc opens the files and does `host
// capture`.
#pragma once

#include <string>

#include "model/spec/host_spec.h"

namespace oomcast::report {

/// For `oomcast host list`: one line per preset.
std::string render_host_list();
/// For `oomcast host show H`: nodes, zones with their watermarks in pages and bytes, swap, settings, processes,
/// assumptions.
std::string render_host(const host::HostSpec& spec);

}  // namespace oomcast::report
