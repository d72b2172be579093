// Quantities as text. Nowhere else does a quantity become a decimal fraction.
#include "report/words/format.h"

#include <fmt/core.h>

#include <array>
#include <cmath>
#include <csignal>
#include <cstring>

namespace oomcast::report {
namespace {

std::string decimal(double value, int places, const char* unit) {
  return fmt::format("{:.{}f} {}", value, places, unit);
}

enum class Rounding { kNearest, kUp };

/// REQUIRES: bytes >= 0.
std::string rounded_text(Bytes bytes, Rounding rounding) {
  const bool up = rounding == Rounding::kUp;
  if (bytes < Bytes(1024)) return fmt::format("{} B", bytes.count());
  constexpr std::array units = {"KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes.count()) / 1024;
  size_t unit = 0;
  // 1023.95 would be printed as "1024.0". So the next unit begins where rounding would reach it.
  while (unit + 1 < units.size() && (up ? value > 1023.9 : value >= 1023.95)) value /= 1024, ++unit;
  const int places = unit >= 2 ? 2 : 1;
  const double steps = places == 2 ? 100 : 10;
  return decimal(up ? std::ceil(value * steps) / steps : value, places, units[unit]);
}

}  // namespace

std::string bytes_text(Bytes bytes) {
  return bytes < Bytes(0) ? "-" + bytes_text(-bytes) : rounded_text(bytes, Rounding::kNearest);
}

std::string at_least_text(Bytes bytes) { return rounded_text(bytes, Rounding::kUp); }

std::string size_word(int64_t bytes) {
  constexpr std::array units = {"", "K", "M", "G", "T"};
  size_t unit = 0;
  for (; unit + 1 < units.size() && bytes != 0 && bytes % 1024 == 0; ++unit) bytes /= 1024;
  return std::to_string(bytes) + units[unit];
}

std::string count_text(int64_t count) {
  std::string digits = std::to_string(count);
  size_t first = digits[0] == '-' ? 1 : 0;
  for (size_t i = digits.size(); i > first + 3;) digits.insert(i -= 3, 1, ',');
  return digits;
}

std::string pages_text(Pages pages) {
  return count_text(pages.count()) + (pages.count() == 1 ? " page (" : " pages (") + bytes_text(to_bytes(pages)) + ")";
}

std::string points_text(int64_t points) { return count_text(points) + (points == 1 ? " point" : " points"); }

std::string seconds_text(Nanoseconds t) { return decimal(static_cast<double>(t.count()) / 1e9, 2, "s"); }

std::string duration_text(Nanoseconds d) {
  auto ns = static_cast<double>(d.count());
  if (d.count() == 0) return "0 s";
  if (d.count() >= 1'000'000'000) return decimal(ns / 1e9, 2, "s");
  if (d.count() >= 10'000'000) return decimal(ns / 1e6, 0, "ms");
  if (d.count() >= 10'000) return decimal(ns / 1e6, 2, "ms");
  return decimal(ns / 1e3, 1, "us");
}

std::string latency_text(Nanoseconds d) {
  if (d.count() >= 1'000'000) return decimal(static_cast<double>(d.count()) / 1e6, 1, "ms");
  if (d.count() >= 1000) return decimal(static_cast<double>(d.count()) / 1e3, 1, "us");
  return std::to_string(d.count()) + " ns";
}

std::string left_text(double seconds) {
  const int64_t whole = std::llround(seconds);
  return whole < 60 ? fmt::format("{} s", whole) : fmt::format("{} min {} s", whole / 60, whole % 60);
}

std::string percent_text(int64_t part, int64_t whole) {
  if (whole <= 0) return "-";
  double percent = 100.0 * static_cast<double>(part) / static_cast<double>(whole);
  // 99.96 % must not be printed as 100 %.
  if (part < whole && percent > 99.9) percent = 99.9;
  return decimal(percent, percent < 10 || (percent > 99 && percent < 100) ? 1 : 0, "%");
}

std::string proc_line(const std::string& label, int64_t kilobytes) {
  return fmt::format("{:<16}{:>8} kB\n", label + ":", kilobytes);
}

std::string shortened_text(const std::string& text, size_t most_bytes, const char* ellipsis) {
  if (text.size() <= most_bytes) return text;
  size_t end = most_bytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + ellipsis;
}

std::string signal_text(int signal) {
  const char* name = sigabbrev_np(signal);
  return "signal " + std::to_string(signal) + (name ? std::string(" (SIG") + name + ")" : "");
}

std::string where_text(NodeId node, host::ZoneKind zone) {
  return "node " + std::to_string(node.value) + " zone " + host::zone_name(zone);
}

std::string joined_text(const std::vector<std::string>& items, std::string_view between) {
  std::string text;
  for (size_t i = 0; i < items.size(); ++i) (i > 0 ? text.append(between) : text).append(items[i]);
  return text;
}

std::string list_text(const std::vector<std::string>& items, size_t most) {
  std::string text;
  for (size_t i = 0; i < std::min(most, items.size()); ++i) text += (i ? ", " : "") + items[i];
  return items.size() > most ? text + " and " + std::to_string(items.size() - most) + " more" : text;
}

std::string cpu_list_text(const std::vector<int>& cpus) {
  std::string text;
  for (size_t i = 0; i < cpus.size();) {
    size_t last = i;
    while (last + 1 < cpus.size() && cpus[last + 1] == cpus[last] + 1) ++last;
    text += (text.empty() ? "" : ",") + std::to_string(cpus[i]);
    if (last > i) text += "-" + std::to_string(cpus[last]);
    i = last + 1;
  }
  return text;
}

std::string host_text(const host::HostSpec& host) {
  std::string text = host.name + " (";
  if (!host.kernel_release.empty()) text += host.kernel_release + ", ";
  text += host.lru == host::LruKind::kMultiGen ? "multi-gen LRU, " : "classic LRU, ";
  text += std::to_string(host.nodes.size()) + (host.nodes.size() == 1 ? " node, " : " nodes, ");
  text += bytes_text(to_bytes(host.total_ram)) + " RAM, ";
  text += host.total_swap().count() ? bytes_text(to_bytes(host.total_swap())) + " swap)" : "no swap)";
  return text;
}

}  // namespace oomcast::report
