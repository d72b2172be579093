// Reads a JSON object key by key. See json_object.h.
#include "model/spec/json/json_object.h"

#include <algorithm>
#include <cmath>

#include "model/spec/parse_text.h"

namespace oomcast::host {

using nlohmann::ordered_json;

namespace {

constexpr int64_t kPagesMax = int64_t{1} << 48;
constexpr int64_t kBytesMax = int64_t{64} << 40;

}  // namespace

std::optional<int64_t> whole_number(const ordered_json& value, int64_t min, int64_t max) {
  if (value.is_number_unsigned() && value.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX)) return std::nullopt;
  if (!value.is_number_integer()) return std::nullopt;
  const int64_t number = value.get<int64_t>();
  return number < min || number > max ? std::nullopt : std::optional(number);
}

std::string quote_json(const ordered_json& value) {
  const std::string text = value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  return value.is_string() ? text.substr(0, 44) : quote(text);
}

void JsonFile::fail_at(int line, const std::string& path, const std::string& message) {
  if (error_) return;
  std::string where = name_;
  if (has_lines_) where += ":" + std::to_string(line);
  if (!where.empty()) where += ": ";
  error_ = Error{where + (path.empty() ? "" : path + ": ") + message};
}

JsonObject::JsonObject(JsonFile& file, const ordered_json& value, std::string path)
    : file_(file), path_(std::move(path)) {
  if (value.is_object()) {
    value_ = &value;
  } else {
    file_.fail(path_, quote_json(value) + " is not an object in braces");
  }
}

const ordered_json* JsonObject::get(const char* key) {
  if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.emplace_back(key);
  if (!value_) return nullptr;
  const auto found = value_->find(key);
  return found == value_->end() ? nullptr : &*found;
}

bool JsonObject::integer(const char* key, int64_t& target, int64_t min, int64_t max) {
  const ordered_json* value = get(key);
  if (!value) return false;
  if (const auto number = whole_number(*value, min, max)) {
    target = *number;
  } else {
    fail(key,
         quote_json(*value) + ", expected a whole number from " + std::to_string(min) + " to " + std::to_string(max));
  }
  return true;
}

bool JsonObject::integer(const char* key, int& target, int64_t min, int64_t max) {
  int64_t wide = target;
  const bool present = integer(key, wide, min, max);
  target = static_cast<int>(wide);
  return present;
}

bool JsonObject::pages(const char* key, Pages& target) {
  const ordered_json* value = get(key);
  if (!value) return false;
  auto number = whole_number(*value, 0, kPagesMax);
  if (value->is_string()) {
    // A bare number in quotes could mean bytes or pages. Only a unit makes it clear.
    const std::string& text = value->get_ref<const std::string&>();
    const auto size = parse_size_bytes(text);
    if (size && !text.empty() && !(text.back() >= '0' && text.back() <= '9')) number = *size >> kPageShift;
  }
  if (number) {
    target = Pages(*number);
  } else {
    fail(key, quote_json(*value) + ", expected a number of 4 KiB pages or a size such as \"512M\"");
  }
  return true;
}

bool JsonObject::bytes(const char* key, Bytes& target) {
  const ordered_json* value = get(key);
  if (!value) return false;
  auto number = whole_number(*value, 0, kBytesMax);
  if (value->is_string()) number = parse_size_bytes(value->get_ref<const std::string&>());
  if (number) {
    target = Bytes(*number);
  } else {
    fail(key, quote_json(*value) + ", expected a size such as \"8G\", \"512M\" or bytes, at most 64T");
  }
  return true;
}

bool JsonObject::text(const char* key, std::string& target) {
  const ordered_json* value = get(key);
  if (!value) return false;
  if (value->is_string()) {
    target = value->get<std::string>();
  } else {
    fail(key, quote_json(*value) + ", expected a text in quotes");
  }
  return true;
}

bool JsonObject::flag(const char* key, bool& target) {
  const ordered_json* value = get(key);
  if (!value) return false;
  if (value->is_boolean()) {
    target = value->get<bool>();
  } else if (const auto number = whole_number(*value, 0, 1)) {
    target = *number == 1;
  } else {
    fail(key, quote_json(*value) + ", expected true or false");
  }
  return true;
}

bool JsonObject::integers(const char* key, std::vector<int>& target, int64_t min, int64_t max) {
  const ordered_json* value = get(key);
  if (!value) return false;
  if (!value->is_array()) {
    fail(key, quote_json(*value) + ", expected a list of numbers");
    return true;
  }
  target.clear();
  for (size_t i = 0; i < value->size(); ++i) {
    const auto number = whole_number((*value)[i], min, max);
    if (!number) {
      file_.fail(path_of(key) + "[" + std::to_string(i) + "]", quote_json((*value)[i]) +
                                                                   ", expected a whole number from " +
                                                                   std::to_string(min) + " to " + std::to_string(max));
      return true;
    }
    target.push_back(static_cast<int>(*number));
  }
  return true;
}

bool JsonObject::decimal(const char* key, int64_t& target, double scale, int64_t max) {
  const ordered_json* value = get(key);
  if (!value) return false;
  const double scaled = value->is_number() ? value->get<double>() * scale : -1;
  if (scaled >= 0 && scaled <= static_cast<double>(max)) {
    target = std::llround(scaled);
  } else {
    fail(key, quote_json(*value) + ", expected a number from 0 to " +
                  std::to_string(std::llround(static_cast<double>(max) / scale)));
  }
  return true;
}

std::vector<const ordered_json*> JsonObject::elements(const char* key) {
  std::vector<const ordered_json*> found;
  const ordered_json* value = get(key);
  if (!value) return found;
  if (!value->is_array()) {
    fail(key, quote_json(*value) + ", expected a list in brackets");
    return found;
  }
  for (const ordered_json& element : *value) found.push_back(&element);
  return found;
}

void JsonObject::done() {
  if (!value_ || file_.error()) return;
  for (const auto& item : value_->items()) {
    if (std::find(known_.begin(), known_.end(), item.key()) != known_.end()) continue;
    const std::string path = path_.empty() ? item.key() : path_ + "." + item.key();
    return file_.fail(path, "unknown key" + suggestion(item.key(), known_));
  }
}

}  // namespace oomcast::host
