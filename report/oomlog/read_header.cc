// Reads the head of an OOM report: who asked for memory, and the request.
#include <charconv>

#include "report/oomlog/kernel_lines.h"
#include "report/oomlog/line_fields.h"
#include "report/oomlog/parts.h"

namespace oomcast::oomlog {
namespace {

void read_gfp(std::string_view line, std::string_view key, Request& request) {
  const std::string_view mask = between(line, key, ",");
  int64_t value = 0;
  if (std::from_chars(mask.data(), mask.data() + mask.size(), value, 16).ec == std::errc()) request.gfp_mask = value;
  if (mask.find('(') != std::string_view::npos) request.gfp_names = between(mask, "(", ")");
}

/// "... Comm: name Not tainted 5.4.0-77-generic #86", "... Tainted: P  OE  3.10.0-327.el7.x86_64 #1".
std::string_view release_in(std::string_view line) {
  const std::vector<std::string_view> words = words_of(line);
  for (size_t i = 1; i < words.size(); ++i) {
    if (!words[i].starts_with('#')) continue;
    const std::string_view word = words[i - 1];
    if (word[0] >= '0' && word[0] <= '9' && word.find('.') != std::string_view::npos && word.size() < 100) return word;
  }
  return {};
}

}  // namespace

bool read_header(std::string_view line, OomReport& report) {
  Request& request = report.request;
  if (const size_t at = line.find(kInvoked); at != std::string_view::npos && !report.has_header) {
    report.has_header = true;
    request.comm = line.substr(0, at);
    read_gfp(line, "gfp_mask=0x", request);
    request.order = as_int(number_after(line, " order="));
    request.oom_score_adj = as_int(number_after(line, "oom_score_adj="));
    request.nodemask = between(line, "nodemask=", ", order=");
    return true;
  }
  if (const size_t at = line.find(kRefused); at != std::string_view::npos && report.refused) {
    if (report.has_header) return true;
    report.has_header = true;
    request.comm = line.substr(0, at);
    request.order = as_int(number_after(line, kRefused));
    read_gfp(line, "mode:0x", request);
    if (const auto nodes = between(line, "nodemask=", ",cpuset="); nodes.size() < 64) request.nodemask = nodes;
    request.mems_allowed = between(line, ",mems_allowed=", " ");
    return true;
  }
  if (const size_t at = line.find(" cpuset=");
      at != std::string_view::npos && line.find(" mems_allowed=") > at && !line.starts_with("oom-kill:")) {
    request.cpuset = between(line, " cpuset=", " mems_allowed=");
    request.mems_allowed = between(line, " mems_allowed=", " ");
    return true;
  }
  if (line.starts_with("Pid: ") && line.find(", comm: ") != std::string_view::npos) {  // before 3.10
    if (!request.pid) request.pid = as_int(number_after(line, "Pid: "));
    if (report.kernel_release.empty()) report.kernel_release = release_in(line);
    return true;
  }
  if (!line.starts_with("CPU: ") || line.find("Comm: ") == std::string_view::npos) return false;
  if (!request.cpu) request.cpu = as_int(number_after(line, "CPU: "));
  if (!request.pid) request.pid = as_int(number_after(line, "PID: "));
  if (report.kernel_release.empty()) report.kernel_release = release_in(line);
  return true;
}

}  // namespace oomcast::oomlog
