// Chooses the limits to record under for a program that sizes itself by its limit, such as node or java.
//
// A recording under one limit says what the program needs when it is shown that limit; shown less, it needs less. The
// smallest limit that is enough is the one that the program needs when it is shown just that.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace oomcast::report {

class SelfSizing {
 public:
  static constexpr int kMostRecordings = 7;
  static constexpr int kTolerancePermille = 20;

  /// `needed`: the smallest limit by the recording made where no limit was shown. REQUIRES: needed > 0.
  explicit SelfSizing(int64_t needed) : needed_(needed) {}

  /// The limit to be shown to the program next; nothing: the answer is as narrow as the tolerance asks, or the last
  /// recording has been made.
  std::optional<int64_t> next() const;
  /// The program was shown `shown`, and needed `needed`; nothing: it did not end as it does without a limit.
  void note(int64_t shown, std::optional<int64_t> needed);

  /// What the program needs under the smallest limit that was enough; without one, what it needs with no limit shown.
  int64_t answer() const { return needed_; }
  /// answer() lies within the tolerance of a limit that was shown.
  bool settled() const;
  int recordings() const { return recordings_; }

 private:
  int64_t needed_;
  std::optional<int64_t> enough_;      // the smallest shown limit that was
  std::optional<int64_t> not_enough_;  // the largest that was not
  std::optional<int64_t> enough_before_, needed_before_;
  int recordings_ = 1;
};

}  // namespace oomcast::report
