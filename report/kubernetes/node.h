// Makes a host of a Kubernetes node, as `kubectl get node NAME -o yaml` (or -o json) prints it.
//
// A node says its capacity, what of it pods may have, its kernel and its architecture. What it does not say (zones,
// swap, settings, what runs there) is the default of a host by hand and listed in HostSpec::assumed.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "model/base/result.h"
#include "model/spec/host_spec.h"

namespace oomcast::report {

/// Whether the text is a node or a list of them. Cheap on a large text.
bool is_kubernetes_node(std::string_view text);

/// `nth` (from 1) or `name` chooses one node of a list. An error is one line: several nodes and none chosen, no such
/// node, no memory in its status, pages that are not of 4 KiB, no YAML, or YAML with anchors, which kubectl never
/// writes.
Result<host::HostSpec> host_of_kubernetes_node(const std::string& text, const std::string& path, std::optional<int> nth,
                                               const std::string& name);

}  // namespace oomcast::report
