// Lays out the summary of a run: labelled lines, wrapped to the terminal, and at most a screen of them.
#pragma once

#include <string>
#include <vector>

namespace oomcast::report {

inline constexpr size_t kNotWrapped = 1 << 20;

/// What the summary's destination can show.
struct Look {
  bool color = false;
  size_t columns = kNotWrapped;
  bool ascii = false;  // no block characters
};
/// The look for the terminal at `fd`. In a file or log nothing is wrapped, so that lines can be searched.
Look look_of(int fd);

inline constexpr size_t kSummaryLinesMost = 25;

/// Which lines are dropped first if there are too many: the highest rank, and of equal ones the last.
enum class Rank { kMust, kUseful, kDetail, kExtra };

class SummaryPaper {
 public:
  explicit SummaryPaper(Look look) : look_(look) {}

  const Look& look() const { return look_; }
  std::string tinted(const char* tint, const std::string& what) const;
  /// A line without a label.
  void plain(const std::string& what);
  /// A labelled text of at most `lines_most` lines; the rest is cut. `what` may have colours of tinted() if it fits on
  /// one line.
  void line(const std::string& label, const std::string& what, Rank rank = Rank::kMust, size_t lines_most = 3);
  /// The whole summary, at most kSummaryLinesMost lines if the ranks allow it. The last line has `last`, and the number
  /// of lines that were dropped.
  std::string text(const std::string& last_label, const std::string& last) const;

 private:
  struct Block {
    std::vector<std::string> lines;
    Rank rank;
  };
  Look look_;
  std::vector<Block> blocks_;
};

inline constexpr const char* kRed = "\x1b[1;31m";
inline constexpr const char* kYellow = "\x1b[1;33m";
inline constexpr const char* kGreen = "\x1b[1;32m";
inline constexpr const char* kDim = "\x1b[2m";

}  // namespace oomcast::report
