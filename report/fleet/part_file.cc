// The file of one part of a sweep. See part_file.h.
#include "report/fleet/part_file.h"

#include <nlohmann/json.hpp>
#include <optional>

#include "report/fleet/fingerprint.h"
#include "report/fleet/row_json.h"

namespace oomcast::report {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kSchema = "oomcast.sweep_part.v1";

std::string line_of(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"; }

Json heading_json(const PartContent& content) {
  return {{"schema", kSchema},
          {"sweep", content.sweep},
          {"hosts", content.hosts},
          {"part", content.part.number},
          {"parts", content.part.parts},
          {"first_combination", content.range.first},
          {"combinations", content.range.count},
          {"vary", content.keys}};
}

std::optional<size_t> size_from(const Json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end() || !found->is_number_unsigned()) return std::nullopt;
  return found->get<size_t>();
}

std::optional<std::string> text_from(const Json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end() || !found->is_string()) return std::nullopt;
  return found->get<std::string>();
}

/// Takes the next whole line off `rest`; nothing if there is none.
std::optional<std::string_view> take_line(std::string_view& rest) {
  const size_t end = rest.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return line;
}

std::optional<PartContent> heading_from(const Json& json) {
  if (!json.is_object() || text_from(json, "schema") != kSchema) return std::nullopt;
  const auto sweep = text_from(json, "sweep"), hosts = text_from(json, "hosts");
  const auto number = size_from(json, "part"), parts = size_from(json, "parts");
  const auto first = size_from(json, "first_combination"), count = size_from(json, "combinations");
  const auto keys = json.find("vary");
  if (!sweep || !hosts || !number || !parts || !first || !count || keys == json.end() || !keys->is_array())
    return std::nullopt;
  PartContent content{*sweep, *hosts, {*number, *parts}, {*first, *count}, {}, {}};
  for (const Json& key : *keys) {
    if (!key.is_string()) return std::nullopt;
    content.keys.push_back(key.get<std::string>());
  }
  return content;
}

Error cut_off(size_t rows, size_t all) {
  return {"is cut off after " + std::to_string(rows) + " of " + std::to_string(all) + " rows"};
}

const Error kDamaged{"is damaged: the check in its last line is not that of the lines before"};

}  // namespace

std::string part_text(const PartContent& content) {
  std::string text = line_of(heading_json(content));
  for (const SweepRow& row : content.rows) text += line_of(row_json(row));
  const std::string check = Fingerprint().add(text).text();
  return text + line_of({{"rows", content.rows.size()}, {"check", check}});
}

Result<PartContent> parse_part_file(std::string_view text) {
  std::string_view rest = text;
  const auto parsed = [](std::string_view line) { return Json::parse(line, nullptr, false); };
  const auto first = take_line(rest);
  auto content = first ? heading_from(parsed(*first)) : std::nullopt;
  if (!content) {
    if (text.empty()) return Error{"is empty"};
    return Error{std::string("does not begin as a part of a sweep does (") + kSchema + ")"};
  }
  // Reserves no memory for the number in the heading, which may be damaged.
  while (content->rows.size() < content->range.count) {
    const auto line = take_line(rest);
    if (!line) return cut_off(content->rows.size(), content->range.count);
    auto row = row_from(parsed(*line));
    if (!row || row->values.size() != content->keys.size())
      return Error{"is damaged: row " + std::to_string(content->rows.size() + 1) + " is none"};
    content->rows.push_back(*std::move(row));
  }
  const std::string_view before = text.substr(0, text.size() - rest.size());
  const auto last = take_line(rest);
  if (!last) return cut_off(content->rows.size(), content->range.count);
  const Json end = parsed(*last);
  if (!rest.empty() || !end.is_object() || size_from(end, "rows") != content->rows.size() ||
      text_from(end, "check") != Fingerprint().add(before).text())
    return kDamaged;
  return *std::move(content);
}

}  // namespace oomcast::report
