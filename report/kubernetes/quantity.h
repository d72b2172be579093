// Reads Kubernetes' quantities: "512Mi" is binary, "512M" decimal, "1.5G", "1e9", "250m".
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace oomcast::report {

inline constexpr double kMostQuantity = 7e13;  // about 64 TiB, what x86-64 can address

/// Absent: no quantity, or negative.
std::optional<double> quantity(const std::string& text);
/// Whole bytes, fractions cut off. Absent: no quantity, or kMostQuantity and more.
std::optional<int64_t> quantity_bytes(const std::string& text);

}  // namespace oomcast::report
