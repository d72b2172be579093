// Reads Kubernetes' quantities: "512Mi" (binary), "512M" (decimal), "1.5G", "1e9", "250m" (thousandths).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace oomcast::report {

inline constexpr double kMostQuantity = 7e13;  // about 64 TiB, the most that x86-64 addresses with 46 bits

/// Returns the value in units; absent: not a quantity, or negative.
std::optional<double> quantity(const std::string& text);
/// Returns whole bytes, rounded down; absent: not a quantity, or kMostQuantity or more.
std::optional<int64_t> quantity_bytes(const std::string& text);

}  // namespace oomcast::report
