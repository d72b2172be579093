// The text of schema/oomcast.report.v1.json, inside the command. The build makes the definition from that file.
#pragma once

#include <string_view>

namespace oomcast::report {

extern const std::string_view kReportSchemaText;

}  // namespace oomcast::report
