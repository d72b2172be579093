// Converts between oomcast.host.v1 and HostSpec. Values only: files are opened elsewhere.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "model/base/result.h"
#include "model/spec/host_spec.h"

namespace oomcast::host {

inline constexpr const char* kHostSchema = "oomcast.host.v1";

/// `file` begins each error ("FILE:LINE: KEY: what"); it may be empty. The result has passed validate().
Result<HostSpec> parse_json(std::string_view text, const std::string& file, const std::string& name);
/// The same from a parsed value. `text` serves for line numbers only and may be empty.
Result<HostSpec> host_from_json(const nlohmann::ordered_json& root, std::string_view text, const std::string& file,
                                const std::string& name);
nlohmann::ordered_json host_to_json(const HostSpec& spec);

}  // namespace oomcast::host
