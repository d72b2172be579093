// Prints and parses values of a report in the unit that their key implies.
#include <fmt/core.h>

#include <array>
#include <cmath>

#include "model/sim/outcome.h"
#include "model/spec/parse_text.h"
#include "report/gates/finished_report.h"
#include "report/words/format.h"

namespace oomcast::report {
namespace {

enum class Unit { kCount, kBytes, kNanoseconds, kMicroseconds, kSeconds, kPercent, kVerdict };

bool has_word(const std::string& key, const std::string& word) {
  return key.ends_with("_" + word) || key.find("_" + word + "_") != std::string::npos;
}

Unit unit_of(const std::string& key) {
  if (key == "verdict") return Unit::kVerdict;
  if (has_word(key, "bytes") || key.starts_with("site ") || key.ends_with("memory.peak")) return Unit::kBytes;
  if (has_word(key, "ns")) return Unit::kNanoseconds;
  if (has_word(key, "us")) return Unit::kMicroseconds;
  if (has_word(key, "percent") || key.find("avg") != std::string::npos) return Unit::kPercent;
  // Timeline columns such as pgscank_s are rates. They are arrays and do not get here.
  if (key.ends_with("_s")) return Unit::kSeconds;
  return Unit::kCount;
}

struct TimeUnit {
  const char* name;
  double ns;
};
constexpr std::array<TimeUnit, 5> kTimeUnits = {{{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"min", 60e9}}};

double ns_per_unit(Unit unit) { return unit == Unit::kMicroseconds ? 1e3 : unit == Unit::kSeconds ? 1e9 : 1; }

std::optional<double> parse_number(const std::string& text) {
  size_t used = 0;
  double value = 0;
  try {
    value = std::stod(text, &used);
  } catch (const std::exception&) {
    return std::nullopt;
  }
  if (used != text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::optional<double> parse_time(Unit unit, const std::string& text) {
  size_t letters = text.find_first_of("mnsu");
  if (letters == std::string::npos) return parse_number(text);
  auto number = parse_number(text.substr(0, letters));
  for (const TimeUnit& one : kTimeUnits)
    if (number && text.substr(letters) == one.name) return *number * one.ns / ns_per_unit(unit);
  return std::nullopt;
}

std::string plain_text(double value) {
  if (value == std::floor(value) && std::abs(value) < 9e15) return count_text(static_cast<int64_t>(value));
  return fmt::format("{:.4g}", value);
}

}  // namespace

std::string value_text(const std::string& key, double value) {
  Unit unit = unit_of(key);
  switch (unit) {
    case Unit::kBytes:
      return bytes_text(Bytes(std::llround(value)));
    case Unit::kNanoseconds:
    case Unit::kMicroseconds:
    case Unit::kSeconds:
      return duration_text(Nanoseconds(std::llround(value * ns_per_unit(unit))));
    case Unit::kPercent:
      return plain_text(value) + " %";
    case Unit::kVerdict: {
      long rank = std::lround(value);
      bool known = rank >= 0 && rank <= static_cast<long>(sim::Verdict::kOomKill);
      return known ? sim::verdict_name(static_cast<sim::Verdict>(rank)) : plain_text(value);
    }
    case Unit::kCount:
      break;
  }
  return plain_text(value);
}

std::optional<double> parse_value(const std::string& key, const std::string& text) {
  switch (unit_of(key)) {
    case Unit::kVerdict:
      return verdict_rank(text);
    case Unit::kBytes: {
      bool negative = text.starts_with("-");
      auto bytes = host::parse_size_bytes(negative ? text.substr(1) : text);
      if (!bytes) return std::nullopt;
      return negative ? -static_cast<double>(*bytes) : static_cast<double>(*bytes);
    }
    case Unit::kNanoseconds:
    case Unit::kMicroseconds:
    case Unit::kSeconds:
      return parse_time(unit_of(key), text);
    case Unit::kPercent:
      return parse_number(text.ends_with("%") ? text.substr(0, text.find_last_not_of(" %") + 1) : text);
    case Unit::kCount:
      break;
  }
  return parse_number(text);
}

}  // namespace oomcast::report
