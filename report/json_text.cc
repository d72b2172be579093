// Lays the report out for people and diffs. A value that fits on a line stays on it; a column of numbers always does,
// so that a timeline of a thousand rows takes some twenty lines.
#include <algorithm>

#include "report/json_report.h"

namespace oomcast::report {
namespace {

using Json = nlohmann::ordered_json;

bool is_flat(const Json& list) {
  return std::none_of(list.begin(), list.end(), [](const Json& v) { return v.is_structured() || v.is_string(); });
}

// Invalid UTF-8 (for example a file name in the command) is replaced; it must not fail the whole report.
std::string scalar(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

void write_inline(const Json& value, std::string& out) {
  if (!value.is_structured() || value.empty()) {
    out += scalar(value);
    return;
  }
  const char* separator = value.is_object() ? "{" : "[";
  for (const auto& [key, item] : value.items()) {
    out += separator;
    if (value.is_object()) out += scalar(Json(key)) + ": ";
    write_inline(item, out);
    separator = ", ";
  }
  out += value.is_object() ? "}" : "]";
}

constexpr size_t kLineLength = 200;  // an OOM candidate fits on one line, as in the kernel's table

/// True if the value is short enough to try one line. The bound keeps the layout linear in the size of the report.
bool may_fit(const Json& value) { return value.size() <= 12; }

void write(const Json& value, const std::string& indent, std::string& out) {
  size_t start = out.size();
  bool column = value.is_array() && is_flat(value);
  if (!value.is_structured() || column || may_fit(value)) {
    write_inline(value, out);
    if (!value.is_structured() || column || out.size() - start + indent.size() + 16 <= kLineLength) return;
    out.resize(start);
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
