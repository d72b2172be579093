// Finds the kernel's messages in a log: lines without the prefixes of dmesg, the journal and syslog, and where kills
// are.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace oomcast::oomlog {

/// The first and the last line of a kill.
inline constexpr std::string_view kInvoked = " invoked oom-killer: ", kKilledProcess = "Killed process ";
/// The first line of a refusal without a kill.
inline constexpr std::string_view kRefused = ": page allocation failure: order:";

struct LogLine {
  int number = 0;  // in the log, from 1
  std::string_view text;
};

/// The message of a line, without time stamp, priority, host name, "kernel:", caller id and surrounding blanks.
std::string_view message_of(std::string_view line);

/// The place of a kill in the log: bytes [begin, end), whole lines.
struct KillPlace {
  size_t begin = 0, end = 0;
  bool has_header = false;
};
/// All kills, in the order of the log. A kill begins with "invoked oom-killer". It ends some lines after its "Killed
/// process", or before the next kill. A "Killed process" without a beginning is a kill of its own, whose report was
/// suppressed or lost: it begins where the last kill ends.
std::vector<KillPlace> find_kills(std::string_view log);

/// Reports of "page allocation failure", each up to the next one.
std::vector<KillPlace> find_refusals(std::string_view log);

/// The messages of the place. `unescaped` gets the text of lines with rsyslog's #012, and must outlive the result.
std::vector<LogLine> lines_of(std::string_view log, const KillPlace& place, std::string& unescaped);

}  // namespace oomcast::oomlog
