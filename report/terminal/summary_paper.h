// Lays out the summary of a run: labelled lines, wrapped to the terminal, and never more than fit on a screen.
#pragma once

#include <string>
#include <vector>

namespace oomcast::report {

inline constexpr size_t kNotWrapped = 1 << 20;

/// How a summary may look where it goes.
struct Look {
  bool color = false;
  size_t columns = kNotWrapped;
  bool ascii = false;  // no block characters
};
/// What the terminal at `fd` takes. In a file or a log nothing is wrapped: people search there.
Look look_of(int fd);

inline constexpr size_t kSummaryLinesMost = 25;

/// What goes first when there are too many lines: the highest rank, and of these the last one.
enum class Rank { kMust, kUseful, kDetail, kExtra };

class SummaryPaper {
 public:
  explicit SummaryPaper(Look look) : look_(look) {}

  const Look& look() const { return look_; }
  std::string tinted(const char* tint, const std::string& what) const;
  /// A line of its own, without a label.
  void plain(const std::string& what);
  /// `what` may hold colours of tinted() if it fits on a line. At most `lines_most` lines; the rest is cut.
  void line(const std::string& label, const std::string& what, Rank rank = Rank::kMust, size_t lines_most = 3);
  /// Everything, at most kSummaryLinesMost lines while ranks allow it; `last` is said in the last line, and how much is
  /// missing.
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
