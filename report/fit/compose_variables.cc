// Puts variables into the values of a Compose file. See compose_variables.h.
#include "report/fit/compose_variables.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "model/spec/parse_text.h"
#include "report/kubernetes/pod.h"
#include "report/whole_file.h"

namespace oomcast::report {
namespace {

constexpr int64_t kMostBytes = int64_t{1} << 20;
constexpr int kMostNested = 16;  // ${A:-${B:-...}}
constexpr const char* kNameChars = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";

size_t name_length(std::string_view text) {
  if (text.empty() || (text.front() >= '0' && text.front() <= '9')) return 0;
  return std::min(text.find_first_not_of(kNameChars), text.size());
}

/// The place of the brace that closes the one before `text`.
size_t closing_brace(std::string_view text) {
  int open = 1;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '{') ++open;
    if (text[at] == '}' && --open == 0) return at;
  }
  return std::string_view::npos;
}

std::string without_quotes(std::string_view value) {
  const bool quoted = value.size() >= 2 && value.front() == value.back() && (value[0] == '"' || value[0] == '\'');
  if (quoted) return std::string(value.substr(1, value.size() - 2));
  return std::string(host::trim(value.substr(0, value.find(" #"))));
}

}  // namespace

ComposeVariables::ComposeVariables(const std::string& path) {
  const auto text = read_whole_file((std::filesystem::path(path).parent_path() / ".env").string(), kMostBytes);
  if (!text) return;
  for (const host::Line& line : host::lines(text.value())) {
    std::string_view entry = host::trim(line.text);
    if (entry.starts_with("export ")) entry = host::trim(entry.substr(7));
    const size_t equals = entry.find('=');
    if (entry.starts_with('#') || equals == std::string_view::npos) continue;
    file_[std::string(host::trim(entry.substr(0, equals)))] = without_quotes(host::trim(entry.substr(equals + 1)));
  }
}

std::optional<std::string> ComposeVariables::value(const std::string& name) const {
  if (const char* set = std::getenv(name.c_str())) return set;
  const auto found = file_.find(name);
  return found == file_.end() ? std::nullopt : std::optional(found->second);
}

std::string ComposeVariables::braced(std::string_view inside, int depth) const {
  const size_t length = name_length(inside);
  const std::string name(inside.substr(0, length));
  std::string_view rest = inside.substr(length);
  const bool empty_counts = !rest.starts_with(':');  // "${A-x}": only if A is not set; "${A:-x}": also if it is empty
  if (!empty_counts) rest.remove_prefix(1);
  const char kind = rest.empty() ? ' ' : rest.front();
  if (name.empty() || (rest.empty() && !empty_counts) || std::string_view(" -?+").find(kind) == std::string_view::npos)
    throw BadManifest(host::quote("${" + std::string(inside) + "}") + " is no variable of Compose");
  std::optional<std::string> found = value(name);
  if (found && found->empty() && !empty_counts) found.reset();
  if (!rest.empty()) rest.remove_prefix(1);
  if (kind == '-') return found ? *found : put_in(rest, depth + 1);
  if (kind == '+') return found ? put_in(rest, depth + 1) : "";
  if (!found)
    throw BadManifest("the variable " + name + " is not set" + (rest.empty() ? "" : " (" + std::string(rest) + ")") +
                      "; set it in the environment or in .env beside the file");
  return *found;
}

std::string ComposeVariables::put_in(std::string_view text, int depth) const {
  if (depth > kMostNested) throw BadManifest("variables in variables, more than " + std::to_string(kMostNested));
  std::string out;
  while (!text.empty()) {
    const size_t dollar = std::min(text.find('$'), text.size());
    out += text.substr(0, dollar);
    text.remove_prefix(dollar);
    if (text.size() < 2) return out + std::string(text);
    text.remove_prefix(1);
    if (text.front() == '{') {
      const size_t end = closing_brace(text.substr(1));
      if (end == std::string_view::npos) throw BadManifest(host::quote(text) + " is not closed by '}'");
      out += braced(text.substr(1, end), depth);
      text.remove_prefix(end + 2);
    } else if (const size_t length = name_length(text); length > 0) {
      out += braced(text.substr(0, length), depth);
      text.remove_prefix(length);
    } else {
      out += '$';
      if (text.front() == '$') text.remove_prefix(1);
    }
  }
  return out;
}

std::string ComposeVariables::put_in(std::string_view text) const { return put_in(text, 0); }

}  // namespace oomcast::report
