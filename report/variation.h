// Reads what differs between the hosts of a sweep, and counts the combinations.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "model/base/result.h"

namespace oomcast::report {

/// One --vary: a key and the values that it takes. The key is one of --set, the name of an option that describes the
/// target, or "host".
struct Variation {
  std::string key;
  std::vector<std::string> values;
};
/// Reads "memory=1G..16G" (each value twice the last), "memory=1G..4G:1G" (steps of 1G) or "vm.swappiness=0,60,100".
/// Values of "host" ("host=a.json,b.json") are always a list. Errors: no values, not a range, more than 1000 values.
Result<Variation> parse_variation(const std::string& text);

/// True if the variation names whole hosts.
bool varies_host(const Variation& variation);

/// Every combination of the values, numbered from 0; the last variation changes fastest.
class Combinations {
 public:
  /// Errors: a key that is varied twice, more than 10,000 combinations.
  static Result<Combinations> of(std::vector<Variation> variations);

  size_t count() const { return count_; }
  /// Returns one value per variation. REQUIRES: number < count().
  std::vector<std::string> values(size_t number) const;
  const std::vector<Variation>& variations() const { return variations_; }
  /// Returns the index of "host" in variations(); variations().size() if no host is varied.
  size_t host_at() const;

 private:
  Combinations(std::vector<Variation> variations, size_t count) : variations_(std::move(variations)), count_(count) {}

  std::vector<Variation> variations_;
  size_t count_;
};

}  // namespace oomcast::report
