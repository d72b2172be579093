// Checks the types of a report's values against the JSON Schema that is compiled into the command.
#include "report/report_shape.h"

#include <algorithm>
#include <set>
#include <vector>

#include "report/report_schema.h"

namespace oomcast::report {
namespace {

using Json = nlohmann::json;

std::string type_of(const Json& value) {
  if (value.is_number_integer()) return "integer";
  return value.type_name();
}

bool has_type(const Json& value, const std::string& type) {
  const std::string own = type_of(value);
  return own == type || (type == "number" && own == "integer");
}

/// Returns the types that a part of the schema allows: its `type`, or the types of the values in `enum` and `const`.
/// Empty: any type.
std::set<std::string> types_of(const Json& schema) {
  if (schema.contains("type")) {
    const Json& type = schema["type"];
    return type.is_string() ? std::set{type.get<std::string>()} : type.get<std::set<std::string>>();
  }
  std::set<std::string> types;
  for (const Json& value : schema.value("enum", Json::array())) types.insert(type_of(value));
  if (schema.contains("const")) types.insert(type_of(schema["const"]));
  return types;
}

std::string joined(const std::set<std::string>& types) {
  std::string text;
  for (const std::string& type : types) text += (text.empty() ? "" : " or ") + type;
  return text;
}

class ShapeCheck {
 public:
  explicit ShapeCheck(const Json& schema) : schema_(schema) {}

  std::string first_problem(const Json& value, const Json& part, const std::string& where) const {
    if (part.contains("$ref")) {
      static constexpr std::string_view kPrefix = "#/$defs/";
      return first_problem(value, schema_["$defs"].at(part["$ref"].get<std::string>().substr(kPrefix.size())), where);
    }
    const std::set<std::string> types = types_of(part);
    if (!types.empty() &&
        std::none_of(types.begin(), types.end(), [&](const auto& type) { return has_type(value, type); }))
      return (where.empty() ? "the document" : where) + " is of type " + type_of(value) + ", not " + joined(types);
    if (value.is_array() && part.contains("items")) return problem_in_items(value, part["items"], where);
    return value.is_object() ? problem_in_keys(value, part, where) : "";
  }

 private:
  std::string problem_in_items(const Json& list, const Json& part, const std::string& where) const {
    for (size_t i = 0; i < list.size(); ++i)
      if (auto problem = first_problem(list[i], part, where + "[" + std::to_string(i) + "]"); !problem.empty())
        return problem;
    return "";
  }
  std::string problem_in_keys(const Json& object, const Json& part, const std::string& where) const {
    static const Json kNone = Json::object();
    const Json& known = part.contains("properties") ? part["properties"] : kNone;
    const Json& others = part.contains("additionalProperties") ? part["additionalProperties"] : kNone;
    for (const auto& [key, child] : object.items()) {
      const bool described = known.contains(key);
      // What the schema does not describe may be nested without end.
      if (!described && !others.is_object()) continue;
      const Json& rule = described ? known[key] : others;
      if (auto problem = first_problem(child, rule, where.empty() ? key : where + "." + key); !problem.empty())
        return problem;
    }
    return "";
  }

  const Json& schema_;
};

}  // namespace

std::string shape_problem(const Json& document) {
  static const Json kSchema = Json::parse(kReportSchemaText);
  return ShapeCheck(kSchema).first_problem(document, kSchema, "");
}

}  // namespace oomcast::report
