// Checks a document against a JSON Schema. As much of draft 2020-12 as our schemas use, and no more.
//
// Checks: $ref to #/$defs, const, enum, type, required, properties, items, additionalProperties.
// An unknown keyword is an error, so that a schema cannot promise what nobody checks.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace oomcast {

class SchemaCheck {
 public:
  using Json = nlohmann::ordered_json;
  explicit SchemaCheck(Json schema) : schema_(std::move(schema)) {}

  /// One line per violation; empty if the document is valid.
  std::vector<std::string> violations(const Json& document) {
    lines_.clear();
    check(document, schema_, "$");
    return lines_;
  }

 private:
  static bool has_type(const Json& value, const std::string& type) {
    if (type == "integer") return value.is_number_integer();
    if (type == "number") return value.is_number();
    if (type == "string") return value.is_string();
    if (type == "boolean") return value.is_boolean();
    if (type == "null") return value.is_null();
    if (type == "array") return value.is_array();
    return type == "object" && value.is_object();
  }
  static bool has_a_type(const Json& value, const Json& types) {
    if (types.is_string()) return has_type(value, types.get<std::string>());
    for (const Json& type : types)
      if (has_type(value, type.get<std::string>())) return true;
    return false;
  }
  void complain(const std::string& where, const std::string& what) { lines_.push_back(where + ": " + what); }

  void check_properties(const Json& value, const Json& schema, const std::string& where) {
    const Json properties = schema.value("properties", Json::object());
    for (const auto& [key, item] : value.items()) {
      if (properties.contains(key)) {
        check(item, properties[key], where + "." + key);
      } else if (schema.contains("additionalProperties")) {
        const Json& additional = schema["additionalProperties"];
        if (additional.is_object())
          check(item, additional, where + "." + key);
        else if (additional == false)
          complain(where, "has the unknown key " + key);
      }
    }
  }

  void check(const Json& value, const Json& schema, const std::string& where) {
    if (schema.contains("$ref")) {
      std::string name = schema["$ref"].get<std::string>().substr(std::string("#/$defs/").size());
      if (!schema_["$defs"].contains(name)) return complain(where, "the schema has no $defs/" + name);
      return check(value, schema_["$defs"][name], where);
    }
    for (const auto& [keyword, rule] : schema.items()) {
      if (keyword == "type") {
        if (!has_a_type(value, rule))
          return complain(where, "is not " + rule.dump() + " but " + value.dump().substr(0, 60));
      } else if (keyword == "const") {
        if (value != rule) complain(where, "is not " + rule.dump());
      } else if (keyword == "enum") {
        if (std::find(rule.begin(), rule.end(), value) == rule.end())
          complain(where, value.dump() + " is none of " + rule.dump());
      } else if (keyword == "required") {
        if (value.is_object())
          for (const Json& key : rule)
            if (!value.contains(key.get<std::string>())) complain(where, "lacks the key " + key.get<std::string>());
      } else if (keyword == "items") {
        if (value.is_array())
          for (size_t i = 0; i < value.size(); ++i) check(value[i], rule, where + "[" + std::to_string(i) + "]");
      } else if (keyword == "properties" || keyword == "additionalProperties") {
        if (value.is_object() && (keyword == "properties" || !schema.contains("properties")))
          check_properties(value, schema, where);
      } else if (keyword[0] != '$' && keyword != "title" && keyword != "description") {
        complain(where, "the schema uses " + keyword + ", which is not checked");
      }
    }
  }

  Json schema_;
  std::vector<std::string> lines_;
};

}  // namespace oomcast
