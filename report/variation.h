// Says what differs between the hosts of a sweep, and counts its combinations.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "model/base/result.h"

namespace oomcast::report {

/// One --vary: a key of --set, the name of an option that mirrors the target, or "host"; and the values it takes.
struct Variation {
  std::string key;
  std::vector<std::string> values;
};
/// "memory=1G..16G" doubles, "memory=1G..4G:1G" adds, "vm.swappiness=0,60,100" lists. Hosts ("host=a.json,b.json") are
/// always a list.
Result<Variation> parse_variation(const std::string& text);

/// Is the variation one of whole hosts?
bool varies_host(const Variation& variation);

/// Every combination of the values, numbered from 0, the last variation fastest.
class Combinations {
 public:
  /// Errors: a key that is varied twice, more combinations than a sweep may have.
  static Result<Combinations> of(std::vector<Variation> variations);

  size_t count() const { return count_; }
  /// One value of each variation. REQUIRES: number < count().
  std::vector<std::string> values(size_t number) const;
  const std::vector<Variation>& variations() const { return variations_; }
  /// The place of "host" among the variations; variations().size() if no host is varied.
  size_t host_at() const;

 private:
  Combinations(std::vector<Variation> variations, size_t count) : variations_(std::move(variations)), count_(count) {}

  std::vector<Variation> variations_;
  size_t count_;
};

}  // namespace oomcast::report
