// Splits a log into the kernel's lines. See kernel_lines.h.
#include "report/oomlog/kernel_lines.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <set>

#include "report/oomlog/line_fields.h"

namespace oomcast::oomlog {
namespace {

constexpr size_t kBackMost = size_t{4} << 20;  // bytes before a kill without a beginning
constexpr size_t kAfterMost = 16;              // lines after a kill: oom_reaper, other processes of the group
constexpr size_t kPrefixMost = 200;            // bytes; host names have at most 64

bool is_digit(char c) { return c >= '0' && c <= '9'; }
/// Names of days and months may be of any language.
bool is_letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) || (c & 0x80) != 0; }
bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-'; }

/// "[12.345678]", "[Sun Nov 29 18:00:00 2026]", "[  +0.000003]", "[  T123]", "[   C0]". Not "[   123]": this pid begins
/// a row of the table of tasks, and has neither a point nor a letter.
bool is_stamp(std::string_view inside) {
  inside = trimmed(inside);
  if (inside.empty() || inside.size() > 40) return false;
  if ((inside[0] == 'T' || inside[0] == 'C') && inside.size() > 1)
    if (std::all_of(inside.begin() + 1, inside.end(), is_digit)) return true;
  return std::all_of(inside.begin(), inside.end(),
                     [](char c) { return is_digit(c) || std::strchr(" .:,+-@/_", c) || is_letter(c); }) &&
         inside.find_first_of(".:") != std::string_view::npos && std::any_of(inside.begin(), inside.end(), is_digit);
}

/// The text without its first prefix; unchanged if it has none.
std::string_view without_prefix(std::string_view text) {
  if (text.starts_with("\x1b[")) {
    const size_t end = text.find('m');
    if (end < 12) return text.substr(end + 1);
  }
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end != std::string_view::npos && is_stamp(text.substr(1, end - 1))) return text.substr(end + 1);
  }
  if (text.size() > 2 && text[0] == '<' && is_digit(text[1])) {
    const size_t end = text.find('>');
    if (end <= 4) return text.substr(end + 1);
  }
  if (text.starts_with('>')) return text.substr(1);                          // a line quoted in a mail
  for (const std::string_view mark : {"# ", "// ", "* ", "| ", "MESSAGE="})  // quoted elsewhere; journalctl -o export
    if (text.starts_with(mark)) return text.substr(mark.size());
  if (const size_t nul = text.rfind('\0'); nul != std::string_view::npos) return text.substr(nul + 1);
  if (text.starts_with("** ") && text.find(" dropped ** ") < 48) return text.substr(text.find(" dropped ** ") + 12);
  if (const size_t digits = text.find_first_not_of("0123456789"); digits > 0 && digits < 10) {
    const std::string_view rest = text.substr(digits);
    if (rest.starts_with('\t')) return rest.substr(1);                                    // cat -n
    if (rest.starts_with(":[") || rest.starts_with(":<")) return rest.substr(1);          // grep -n
    if (rest.starts_with(',') && rest.find(';') < 64 && rest.find(' ') > rest.find(';'))  // /dev/kmsg
      return rest.substr(rest.find(';') + 1);
  }
  // dmesg -x prints "kern  :warn  : [...".
  if (text.starts_with("kern ") && text.size() > 16 && text[6] == ':') {
    const size_t end = text.find(": ", 7);
    if (end <= 16) return text.substr(end + 2);
  }
  // dmesg --time-format iso prints "2026-11-29T18:00:00,123456+00:00 ".
  if (text.size() > 20 && is_digit(text[0]) && text[4] == '-' && text[10] == 'T') {
    const size_t end = text.find(' ');
    if (end <= 40) return text.substr(end + 1);
  }
  return text;
}

size_t line_begin(std::string_view log, size_t at) {
  const size_t before = at == 0 ? std::string_view::npos : log.rfind('\n', at - 1);
  return before == std::string_view::npos ? 0 : before + 1;
}

size_t line_end(std::string_view log, size_t at) {
  const size_t end = log.find('\n', at);
  return end == std::string_view::npos ? log.size() : end + 1;
}

std::vector<size_t> all_of(std::string_view log, std::string_view word) {
  std::vector<size_t> found;
  const char* at = log.data();
  const char* const end = log.data() + log.size();
  while (at < end) {
    const void* hit = memmem(at, static_cast<size_t>(end - at), word.data(), word.size());
    if (!hit) break;
    found.push_back(static_cast<size_t>(static_cast<const char*>(hit) - log.data()));
    at = static_cast<const char*>(hit) + word.size();
  }
  return found;
}

/// Positions of the kernel's "Killed process 12 (name)"; RHEL 6 has "Killed process 12, UID 48, (name)". Other programs
/// also kill processes and log it in the same files.
std::vector<size_t> killed_lines(std::string_view log) {
  std::vector<size_t> found = all_of(log, kKilledProcess);
  std::erase_if(found, [&](size_t at) {
    std::string_view rest = log.substr(at + kKilledProcess.size(), 24);
    const size_t digits = rest.find_first_not_of("0123456789");
    if (digits == 0 || digits == std::string_view::npos) return true;
    return !rest.substr(digits).starts_with(" (") && !rest.substr(digits).starts_with(", UID ");
  });
  return found;
}

/// What tells a kill from another one: "Killed process 12 (name) total-vm:345". A program that watches the log repeats
/// it.
std::string_view kill_text(std::string_view log, size_t at) {
  const std::string_view line = log.substr(at, line_end(log, at) - at);
  const size_t size = line.find(" total-vm:");
  return size == std::string_view::npos ? trimmed(line) : line.substr(0, line.find_first_of("kK,\n", size + 10));
}

/// Two daemons that write the same file put each line there twice.
bool is_copy_of_line_before(std::string_view log, size_t begin) {
  if (begin == 0) return false;
  const size_t before = line_begin(log, begin - 1);
  return message_of(log.substr(before, begin - before)) == message_of(log.substr(begin, line_end(log, begin) - begin));
}

size_t some_lines_on(std::string_view log, size_t at, size_t most) {
  for (size_t n = 0; n < kAfterMost && at < most; ++n) at = line_end(log, at);
  return std::min(at, most);
}

}  // namespace

std::string_view message_of(std::string_view line) {
  line = trimmed(line);
  const size_t kernel = line.substr(0, kPrefixMost).find("kernel:");
  // "Nov 29 18:00:00 host kernel: ", with or without the date. If the kernel's message itself has "kernel:", it comes
  // after "invoked oom-killer".
  if (kernel != std::string_view::npos && (kernel == 0 || !is_word(line[kernel - 1])) &&
      line.substr(0, kernel).find(kInvoked) == std::string_view::npos)
    line = trimmed(line.substr(kernel + 7));
  for (int n = 0; n < 12; ++n) {
    const std::string_view shorter = trimmed(without_prefix(line));
    if (shorter.size() == line.size()) break;
    line = shorter;
  }
  return line;
}

namespace {

/// Beginnings of messages that follow a prefix only.
constexpr std::string_view kAnchors[] = {"Mem-Info:",
                                         "active_anon:",
                                         "lowmem_reserve[]:",
                                         "[ pid ] ",
                                         "[  pid  ] ",
                                         "Free swap  = ",
                                         "CPU: ",
                                         "memory: usage ",
                                         "Out of memory: Kill",
                                         "Memory cgroup out of memory: Kill"};

std::string_view without_words(std::string_view line, size_t words) {
  for (; words > 0; --words) {
    line = trimmed(line);
    line.remove_prefix(std::min(line.find_first_of(" \t"), line.size()));
  }
  return line;
}

/// How many words of another program's stand before the kernel's own prefix: the name of a container, a level, a date.
size_t foreign_words(std::string_view text) {
  constexpr size_t kMost = 12;
  std::map<size_t, int> votes;
  for (const std::string_view anchor : kAnchors) {
    const size_t at = text.find(anchor);
    if (at == std::string_view::npos) continue;
    const size_t begin = line_begin(text, at);
    std::string_view line = text.substr(begin, line_end(text, at) - begin);
    for (size_t words = 0; words <= kMost && !line.empty(); ++words, line = without_words(line, 1)) {
      if (!message_of(line).starts_with(anchor)) continue;
      ++votes[words];
      break;
    }
  }
  const auto most =
      std::max_element(votes.begin(), votes.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == votes.end() ? 0 : most->first;
}

}  // namespace

std::vector<KillPlace> find_kills(std::string_view log) {
  std::vector<KillPlace> kills;
  const std::vector<size_t> headers = all_of(log, kInvoked), killed = killed_lines(log);
  size_t next_killed = 0, done = 0;  // `done`: end of the text that belongs to earlier kills
  bool group = false;
  std::set<std::string_view> seen;
  const auto take_killed = [&](size_t until) {
    for (; next_killed < killed.size() && killed[next_killed] < until; ++next_killed) {
      const size_t at = killed[next_killed], end = line_end(log, at);
      const size_t since = done;
      done = end;
      const bool again = !seen.insert(kill_text(log, at)).second;
      if (!kills.empty() && kills.back().end == 0) {
        kills.back().end = end;
        continue;
      }
      // memory.oom.group: after this line the kernel kills the others of the group, one directly after the other.
      group = !kills.empty() &&
              (group || log.substr(since, at - since).find("due to memory.oom.group set") != std::string_view::npos);
      if (group) {
        kills.back().end = end;
        continue;
      }
      if (again) continue;  // repeated by another program, or the log has each line twice
      const size_t begin = std::max(since, at > kBackMost ? line_begin(log, at - kBackMost) : 0);
      kills.push_back({std::min(begin, line_begin(log, at)), end, false});
    }
  };
  for (const size_t at : headers) {
    const size_t begin = line_begin(log, at);
    if (!kills.empty() && begin < done) continue;
    take_killed(begin);
    if (is_copy_of_line_before(log, begin)) continue;
    if (!kills.empty() && kills.back().end == 0) kills.back().end = begin;  // no victim: a panic, or the line is lost
    kills.push_back({begin, 0, true});
    group = false;
    done = begin;
  }
  take_killed(log.size());
  for (size_t i = 0; i < kills.size(); ++i) {
    const size_t most = i + 1 < kills.size() ? kills[i + 1].begin : log.size();
    if (kills[i].end == 0)
      kills[i].end = std::min(most, kills[i].begin + kBackMost);
    else
      kills[i].end = some_lines_on(log, kills[i].end, most);
  }
  return kills;
}

std::vector<KillPlace> find_refusals(std::string_view log) {
  std::vector<KillPlace> places;
  for (const size_t at : all_of(log, kRefused)) {
    const size_t begin = line_begin(log, at);
    if (!places.empty()) places.back().end = std::min(places.back().end, begin);
    places.push_back({begin, std::min(log.size(), begin + kBackMost), true});
  }
  return places;
}

std::vector<LogLine> lines_of(std::string_view log, const KillPlace& place, std::string& unescaped) {
  std::vector<LogLine> out;
  int number =
      1 + static_cast<int>(std::count(log.begin(), log.begin() + static_cast<std::ptrdiff_t>(place.begin), '\n'));
  const std::string_view text = log.substr(place.begin, place.end - place.begin);
  const size_t foreign = foreign_words(text);
  const auto put = [&](std::string_view message) {
    if (out.empty() || message.empty() || out.back().text != message) out.push_back({number, message});
  };
  unescaped.reserve(text.size());  // REQUIRED: views into it must stay valid
  for (size_t at = 0; at < text.size(); ++number) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = without_words(text.substr(at, end - at), foreign);
    at = end + 1;
    std::string_view message = message_of(line);
    const std::string_view escape = line.find("#012") != std::string_view::npos ? "#012" : "\\x0a";
    if (line.find(escape) == std::string_view::npos) {
      put(message);
      continue;
    }
    // A line break within a message: rsyslog writes #012, /dev/kmsg \x0a.
    while (!message.empty()) {
      const size_t mark = std::min(message.find(escape), message.size());
      const size_t start = unescaped.size();
      unescaped.append(message.substr(0, mark));
      put(trimmed(std::string_view(unescaped).substr(start)));
      message.remove_prefix(std::min(mark + 4, message.size()));
    }
  }
  return out;
}

}  // namespace oomcast::oomlog
