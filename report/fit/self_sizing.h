// Chooses the limits to record under, for a program that sizes itself by its limit, such as node or java.
//
// A recording under one limit tells what the program needs when it is shown that limit. Shown a smaller limit, the
// program needs less. The smallest limit that is enough is therefore the limit that equals the need under it.
//
// Some programs give up by themselves under limits that the kernel would not enforce: java takes a part of the limit
// for its heap and ends when that is full. Then the smallest limit under which the program does not give up is
// searched.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace oomcast::report {

class SelfSizing {
 public:
  static constexpr int kMostRecordings = 9;
  static constexpr int kTolerancePermille = 20;

  /// `needed`: bytes; the smallest limit that is enough by the recording without a shown limit. REQUIRES: needed > 0.
  explicit SelfSizing(int64_t needed) : needed_(needed) {}

  /// Returns the limit in bytes to show to the program next. Returns nothing if the answer is within the tolerance, or
  /// after kMostRecordings recordings.
  std::optional<int64_t> next() const;
  /// Takes in one recording: under the limit `shown` the program needed `needed` bytes. Nothing: the program did not
  /// end as it does without a limit.
  void note(int64_t shown, std::optional<int64_t> needed);

  /// Returns the need under the smallest limit that was enough; if none was, the need without a shown limit. If the
  /// program gives up under that limit, the smallest limit under which it did not.
  int64_t answer() const;
  /// True if answer() lies within the tolerance of a limit that was shown.
  bool settled() const;
  /// The largest limit under which the program gave up, if that and not its need decides the answer.
  std::optional<int64_t> gives_up_at() const;
  int recordings() const { return recordings_; }

 private:
  int64_t needed_;
  std::optional<int64_t> enough_;      // the smallest shown limit that was enough
  std::optional<int64_t> not_enough_;  // the largest shown limit that was not enough
  std::optional<int64_t> gave_up_;     // the largest shown limit under which the program gave up
  std::optional<int64_t> enough_before_, needed_before_;
  int recordings_ = 1;
};

}  // namespace oomcast::report
