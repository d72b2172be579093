// Reads Kubernetes' quantities. See quantity.h.
#include "report/kubernetes/quantity.h"

#include <cmath>
#include <utility>
#include <vector>

namespace oomcast::report {

std::optional<double> quantity(const std::string& text) {
  static const std::vector<std::pair<std::string, double>> kSuffixes = {
      {"Ki", 1024.0}, {"Mi", 1048576.0}, {"Gi", 1073741824.0}, {"Ti", 1099511627776.0},
      {"k", 1e3},     {"M", 1e6},        {"G", 1e9},           {"T", 1e12},
      {"m", 1e-3},    {"", 1.0}};
  size_t used = 0;
  double number = 0;
  try {
    number = std::stod(text, &used);
  } catch (const std::exception&) {
    return std::nullopt;
  }
  for (const auto& [suffix, factor] : kSuffixes)
    if (text.substr(used) == suffix && number >= 0 && std::isfinite(number * factor)) return number * factor;
  return std::nullopt;
}

std::optional<int64_t> quantity_bytes(const std::string& text) {
  const auto bytes = quantity(text);
  if (!bytes || *bytes >= kMostQuantity) return std::nullopt;
  return static_cast<int64_t>(std::floor(*bytes));
}

}  // namespace oomcast::report
