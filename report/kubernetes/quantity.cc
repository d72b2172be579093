// Reads Kubernetes' quantities. See quantity.h.
#include "report/kubernetes/quantity.h"

#include <cmath>
#include <utility>
#include <vector>

namespace oomcast::report {

std::optional<double> quantity(const std::string& text) {
  static const std::vector<std::pair<std::string, double>> kSuffixes = {
      {"Ki", 0x1p10}, {"Mi", 0x1p20}, {"Gi", 0x1p30}, {"Ti", 0x1p40}, {"Pi", 0x1p50}, {"Ei", 0x1p60},
      {"n", 1e-9},    {"u", 1e-6},    {"m", 1e-3},    {"", 1.0},      {"k", 1e3},     {"M", 1e6},
      {"G", 1e9},     {"T", 1e12},    {"P", 1e15},    {"E", 1e18}};
  // std::stod() takes more than numbers in decimal: "inf", "0x1F", blanks before the number.
  if (text.find_first_of("0123456789.") != (text.starts_with('+') ? 1 : 0)) return std::nullopt;
  if (text.find_first_of("xX") != std::string::npos) return std::nullopt;
  size_t used = 0;
  double number = 0;
  try {
    number = std::stod(text, &used);
  } catch (const std::exception&) {
    return std::nullopt;
  }
  for (const auto& [suffix, factor] : kSuffixes)
    if (text.substr(used) == suffix && std::isfinite(number * factor)) return number * factor;
  return std::nullopt;
}

std::optional<int64_t> quantity_bytes(const std::string& text) {
  const auto bytes = quantity(text);
  if (!bytes || *bytes >= kMostQuantity) return std::nullopt;
  return static_cast<int64_t>(std::floor(*bytes));
}

}  // namespace oomcast::report
