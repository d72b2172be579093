// Makes a host of a Kubernetes node, as `kubectl get node NAME -o yaml` (or -o json) prints it.
//
// A node tells its capacity, the part of it for pods, its kernel and its architecture. All else (zones, settings, what
// runs there; swap, unless the node tells it) is a default, listed in HostSpec::assumed.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "model/base/result.h"
#include "model/spec/host_spec.h"

namespace oomcast::report {

/// Returns true if the text looks like a node or a list of nodes: it searches for words and does not parse.
bool is_kubernetes_node(std::string_view text);

/// Reads one node; `nth` (from 1) or `name` chooses it from a list. Errors, of one line: several nodes and none chosen,
/// no such node, no status.capacity.memory, not Linux, pages of 64 KiB, not YAML, an anchor in the YAML (kubectl never
/// writes one), more than 64 MiB.
Result<host::HostSpec> host_of_kubernetes_node(const std::string& text, const std::string& path, std::optional<int> nth,
                                               const std::string& name);

}  // namespace oomcast::report
