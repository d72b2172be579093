// Writes folded stacks, the input of flamegraph.pl.
#include <map>

#include "report/export/exports.h"

namespace oomcast::report {
namespace {

/// A semicolon ends a frame and a line break ends a stack, so that a name must not contain either.
std::string plain(const std::string& frame) {
  std::string text = frame;
  for (char& c : text) {
    if (c == ';') c = ':';
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  return text.empty() ? "?" : text;
}

}  // namespace

std::string folded_stacks(const ReportView& view, SiteBytes bytes) {
  std::map<std::string, int64_t> stacks;  // equal stacks of different kinds are added up
  for (const SiteView& site : view.sites) {
    std::string line;
    for (auto frame = site.stack.rbegin(); frame != site.stack.rend(); ++frame)
      line += (line.empty() ? "" : ";") + plain(frame_of(*frame).function);
    if (line.empty()) line = "[" + plain(site.kind) + "]";
    stacks[line] += bytes == SiteBytes::kResident ? site.resident_bytes_peak : site.touched_bytes;
  }
  std::string text;
  for (const auto& [line, weight] : stacks)
    if (weight > 0) text += line + " " + std::to_string(weight) + "\n";
  return text;
}

}  // namespace oomcast::report
