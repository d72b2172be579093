// Measures and shortens text for a terminal. See terminal_text.h.
#include "report/terminal/terminal_text.h"

#include <poll.h>

#include <algorithm>

namespace oomcast::report {
namespace {

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

}  // namespace

std::string printable(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  return out;
}

size_t width_of(std::string_view text) {
  size_t cells = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\x1b')
      while (i < text.size() && text[i] != 'm') ++i;
    else if (!continues(text[i]))
      ++cells;
  }
  return cells;
}

std::string cut_to_width(const std::string& text, size_t cells) {
  if (width_of(text) <= cells) return text;
  size_t end = 0, taken = 0;
  while (end < text.size() && (continues(text[end]) || taken + 1 < cells)) taken += continues(text[end++]) ? 0 : 1;
  return text.substr(0, end) + (cells > 0 ? "…" : "");
}

std::vector<std::string> wrapped(const std::string& text, size_t cells) {
  std::vector<std::string> lines;
  std::string line;
  for (size_t at = 0; at < text.size();) {
    size_t end = std::min(text.find(' ', at + 1), text.size());
    std::string word = text.substr(at, end - at);  // with the blank before it
    if (!line.empty() && width_of(line) + width_of(word) > cells) {
      lines.push_back(line);
      line.clear();
      word.erase(0, word.find_first_not_of(' ') == std::string::npos ? word.size() : word.find_first_not_of(' '));
    }
    line += word;
    at = end;
  }
  if (!line.empty() || lines.empty()) lines.push_back(line);
  return lines;
}

bool takes_output(int fd) {
  pollfd ready{fd, POLLOUT, 0};
  return ::poll(&ready, 1, 0) == 1 && (ready.revents & POLLOUT) != 0;
}

}  // namespace oomcast::report
