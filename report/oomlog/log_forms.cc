// Turns saved forms of a log into plain lines. See log_forms.h.
#include "report/oomlog/log_forms.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "report/oomlog/kernel_lines.h"
#include "report/oomlog/line_fields.h"

namespace oomcast::oomlog {
namespace {

using Json = nlohmann::json;

/// The keys under which the journal, Docker and collectors of logs keep a message.
constexpr const char* kMessageKeys[] = {"MESSAGE", "message", "log", "msg", "textPayload"};

bool holds(std::string_view log, std::string_view word) {
  return memmem(log.data(), log.size(), word.data(), word.size()) != nullptr;
}

void put_utf8(uint32_t code, std::string& out) {
  const auto put = [&](uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) return put(code);
  if (code < 0x800) return put(0xc0 | code >> 6), put(0x80 | (code & 0x3f));
  if (code < 0x10000) return put(0xe0 | code >> 12), put(0x80 | (code >> 6 & 0x3f)), put(0x80 | (code & 0x3f));
  put(0xf0 | code >> 18), put(0x80 | (code >> 12 & 0x3f)), put(0x80 | (code >> 6 & 0x3f)), put(0x80 | (code & 0x3f));
}

/// What Windows' PowerShell writes for "dmesg > file".
std::optional<std::string> from_utf16(std::string_view log) {
  const bool little = log.starts_with("\xff\xfe"), big = log.starts_with("\xfe\xff");
  if (!little && !big) return std::nullopt;
  std::string out;
  out.reserve(log.size() / 2);
  uint32_t high = 0;
  for (size_t i = 2; i + 1 < log.size(); i += 2) {
    const auto first = static_cast<unsigned char>(log[i]), second = static_cast<unsigned char>(log[i + 1]);
    const uint32_t unit = little ? first | second << 8 : second | first << 8;
    if (unit >= 0xd800 && unit < 0xdc00) {
      high = unit;
      continue;
    }
    const bool pair = unit >= 0xdc00 && unit < 0xe000 && high != 0;
    put_utf8(pair ? 0x10000 + ((high - 0xd800) << 10) + (unit - 0xdc00) : unit, out);
    high = 0;
  }
  return out;
}

/// Calls `line` for each line, without its line break, and joins what it returns.
template <class Line>
std::string by_line(std::string_view log, const Line& line) {
  std::string out;
  out.reserve(log.size());
  for (size_t at = 0; at < log.size();) {
    const size_t end = std::min(log.find('\n', at), log.size());
    out += line(log.substr(at, end - at));
    if (end < log.size()) out += '\n';
    at = end + 1;
  }
  return out;
}

std::string on_one_line(const std::string& message) {
  std::string out;
  for (const char c : message)
    if (c == '\n')
      out += "#012";
    else
      out += c;
  while (out.ends_with("#012")) out.resize(out.size() - 4);
  return out;
}

/// Text, or the bytes that the journal writes for a message with control bytes.
std::optional<std::string> text_of(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_array()) return std::nullopt;
  std::string out;
  for (const Json& byte : value) {
    if (!byte.is_number_unsigned() || byte.get<unsigned>() > 255) return std::nullopt;
    out += static_cast<char>(byte.get<unsigned>());
  }
  return out;
}

std::optional<std::string> message_in(const Json& record) {
  if (!record.is_object()) return std::nullopt;
  for (const char* key : kMessageKeys)
    if (const auto at = record.find(key); at != record.end())
      if (auto text = text_of(*at)) return text;
  for (const Json& inner : record)
    if (inner.is_object())
      for (const char* key : kMessageKeys)
        if (const auto at = inner.find(key); at != inner.end())
          if (auto text = text_of(*at)) return text;
  return std::nullopt;
}

/// `{"MESSAGE":"..."}` on one line, or `"MESSAGE" : "...",` of a record that is written over several lines.
std::string from_json(std::string_view line) {
  std::string_view text = trimmed(line);
  if (text.starts_with("data: {")) text.remove_prefix(6);  // journalctl -o json-sse
  if (text.ends_with(',')) text.remove_suffix(1);
  const auto parsed = [](std::string_view json) { return Json::parse(json.begin(), json.end(), nullptr, false); };
  if (text.starts_with('{') && text.ends_with('}')) {
    if (const auto message = message_in(parsed(text))) return on_one_line(*message);
  } else if (text.starts_with('"')) {
    std::string object = "{";
    object += text;
    if (const auto message = message_in(parsed(object + "}"))) return on_one_line(*message);
  }
  return std::string(line);
}

bool is_json(std::string_view log) {
  const size_t first = log.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos &&
         (log[first] == '{' || log[first] == '[' || log.substr(first, 7) == "data: {") &&
         holds(log, "\":") + holds(log, "\" :") > 0;
}

/// A mail's "=3D" and "=" at the end of a line.
std::string from_quoted_printable(std::string_view log) {
  const auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1; };
  std::string out;
  out.reserve(log.size());
  for (size_t i = 0; i < log.size(); ++i) {
    const std::string_view rest = log.substr(i);
    if (rest.starts_with("=\n")) {
      ++i;
    } else if (rest.starts_with("=\r\n")) {
      i += 2;
    } else if (rest.size() > 2 && rest[0] == '=' && digit(rest[1]) >= 0 && digit(rest[2]) >= 0) {
      out += static_cast<char>(digit(rest[1]) * 16 + digit(rest[2]));
      i += 2;
    } else {
      out += rest[0];
    }
  }
  return out;
}

/// Blanks of web pages become blanks, entities their characters, and tags nothing.
std::string from_web_page(std::string_view log, bool tags) {
  static constexpr std::pair<std::string_view, std::string_view> kWords[] = {
      {"&lt;", "<"},   {"&gt;", ">"},   {"&quot;", "\""}, {"&#34;", "\""},   {"&#39;", "'"},
      {"&#039;", "'"}, {"&nbsp;", " "}, {"&#160;", " "},  {"\xc2\xa0", " "}, {"&amp;", "&"}};
  std::string out;
  out.reserve(log.size());
  for (size_t i = 0; i < log.size();) {
    const std::string_view rest = log.substr(i);
    const auto* const word = std::find_if(std::begin(kWords), std::end(kWords),
                                          [&](const auto& each) { return rest.starts_with(each.first); });
    if (word != std::end(kWords)) {
      out += word->second;
      i += word->first.size();
      continue;
    }
    if (tags && rest[0] == '<') {
      const size_t end = rest.substr(0, 200).find_first_of(">\n");
      if (end != std::string_view::npos && rest[end] == '>' && end > 1 && !(rest[1] >= '0' && rest[1] <= '9')) {
        i += end + 1;
        if (rest.starts_with("<br") && i < log.size() && log[i] != '\n' && log[i] != '\r') out += '\n';
        continue;
      }
    }
    out += rest[0];
    ++i;
  }
  return out;
}

std::string_view without_quotes(std::string_view line) {
  while (line.starts_with('>')) line = line.substr(line.starts_with("> ") ? 2 : 1);
  return line;
}

bool has_prefix(std::string_view line) { return message_of(line).size() < trimmed(line).size(); }

/// Joins the lines that a mailer or a terminal broke: they lack the time stamp that the kernel's lines have. Lines of
/// one message begin with a blank and stay.
std::optional<std::string> joined(std::string_view log) {
  constexpr size_t kBytesMost = size_t{4} << 20, kShortest = 40;
  const size_t header = log.find(kInvoked);
  if (log.size() > kBytesMost || header == std::string_view::npos) return std::nullopt;
  const size_t begin = log.rfind('\n', header) + 1;
  if (!has_prefix(without_quotes(log.substr(begin, header - begin)))) return std::nullopt;
  int count = 0;
  size_t last = 0;  // length of the line before
  std::string out;
  for (size_t at = 0; at < log.size();) {
    const size_t end = std::min(log.find('\n', at), log.size());
    const std::string_view line = without_quotes(log.substr(at, end - at));
    const bool part =
        last >= kShortest && !trimmed(line).empty() && line[0] != ' ' && line[0] != '\t' && !has_prefix(line);
    if (part && out.ends_with('\n')) {
      out.back() = ' ';
      ++count;
    } else {
      last = 0;
    }
    last += line.size();
    out += line;
    if (end < log.size()) out += '\n';
    at = end + 1;
  }
  return count > 2 ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace

std::optional<std::string> as_plain_lines(std::string_view log) {
  std::optional<std::string> plain = from_utf16(log);
  const auto now = [&] { return plain ? std::string_view(*plain) : log; };
  if (!holds(now(), "oom-killer: ") && !holds(now(), "Killed process ")) return plain;
  if (!holds(now(), "\n") && holds(now(), "\r")) {
    plain = std::string(now());
    std::replace(plain->begin(), plain->end(), '\r', '\n');
  }
  if (is_json(now())) plain = by_line(now(), from_json);
  if (holds(now(), "=\n") && holds(now(), "=3D")) plain = from_quoted_printable(now());
  const bool tags = holds(now(), "<br") || holds(now(), "</span>") || holds(now(), "</div>") || holds(now(), "<pre");
  if (tags || holds(now(), "&gt;") || holds(now(), "&lt;") || holds(now(), "&nbsp;") || holds(now(), "\xc2\xa0"))
    plain = from_web_page(now(), tags);
  if (auto whole = joined(now())) plain = std::move(whole);
  return plain;
}

}  // namespace oomcast::oomlog
