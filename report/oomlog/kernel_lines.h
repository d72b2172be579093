// Finds the kernel's own words in a log: lines without the prefixes of dmesg, the journal and syslog, and where kills
// are.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace oomcast::oomlog {

/// What a kill begins with, and what it ends with.
inline constexpr std::string_view kInvoked = " invoked oom-killer: ", kKilledProcess = "Killed process ";

struct LogLine {
  int number = 0;  // of the log, from 1
  std::string_view text;
};

/// The message of one line: without time stamps, priority, host name, "kernel:", caller id and blanks around it.
std::string_view message_of(std::string_view line);

/// Where one kill stands in the log: bytes [begin, end), whole lines.
struct KillPlace {
  size_t begin = 0, end = 0;
  bool has_header = false;
};
/// All kills, in the order of the log. One begins with "invoked oom-killer" and ends with the line before the next one,
/// or some lines after its "Killed process". A "Killed process" without a beginning is a kill of its own, whose report
/// was suppressed or lost: the lines since the last kill are its.
std::vector<KillPlace> find_kills(std::string_view log);

/// Messages of the place. `unescaped` owns the text where rsyslog has written line breaks as #012.
std::vector<LogLine> lines_of(std::string_view log, const KillPlace& place, std::string& unescaped);

}  // namespace oomcast::oomlog
