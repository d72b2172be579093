// Reads one amount from the text of proc/meminfo or of a node's meminfo.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace oomcast::host {

/// The KiB after the label: "Inactive(file):  123104 kB", in a node's file "Node 0 Inactive(file): 123104 kB". Nothing
/// if there is no text, no such line, or no number of at most 64 TiB.
std::optional<int64_t> meminfo_kilobytes(const std::string* text, std::string_view label);

}  // namespace oomcast::host
