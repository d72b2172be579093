// How is the report laid out on disk? Indented for people and diffs, except that a list of plain values stays on one
// line: a timeline of a thousand rows is then fourteen lines, not fourteen thousand.
#include <algorithm>

#include "report/json_report.h"

namespace oomcast::report {
namespace {

using Json = nlohmann::ordered_json;

bool is_flat(const Json& list) {
  return std::none_of(list.begin(), list.end(), [](const Json& v) { return v.is_structured() || v.is_string(); });
}

// Invalid UTF-8 (an odd file name in the command) is replaced instead of failing the whole report.
std::string scalar(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

void write(const Json& value, const std::string& indent, std::string& out) {
  if (!value.is_structured() || value.empty() || (value.is_array() && is_flat(value))) {
    out += scalar(value);
    return;
  }
  std::string inner = indent + "  ";
  const char* separator = "\n";
  out += value.is_object() ? "{" : "[";
  for (const auto& [key, item] : value.items()) {
    out += separator + inner;
    if (value.is_object()) out += scalar(Json(key)) + ": ";
    write(item, inner, out);
    separator = ",\n";
  }
  out += "\n" + indent + (value.is_object() ? "}" : "]");
}

}  // namespace

std::string report_text(const Json& report) {
  std::string out;
  write(report, "", out);
  out += "\n";
  return out;
}

}  // namespace oomcast::report
