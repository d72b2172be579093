// Finds the kernel's text in what logs are saved as: UTF-16, JSON of the journal and of collectors, mails, web pages.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace oomcast::oomlog {

/// The log as plain lines, or nothing if it is plain already. A JSON record stays one line: line breaks within its
/// message become rsyslog's #012, so that numbers of lines are those of the file.
std::optional<std::string> as_plain_lines(std::string_view log);

}  // namespace oomcast::oomlog
