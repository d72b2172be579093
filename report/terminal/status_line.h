// Keeps one line of the terminal up to date while something runs, and leaves nothing behind.
#pragma once

#include <memory>
#include <string>

namespace oomcast::report {

/// --progress: on a terminal, always (a line a second where stderr is no terminal), never.
enum class ProgressMode { kAuto, kAlways, kNever };
ProgressMode progress_mode(const std::string& word);  // "auto", "always", "never"

class StatusLine {
 public:
  virtual ~StatusLine() = default;
  /// Shows the text in place of the last one; shortened to the width of the terminal. Control characters become blanks.
  virtual void show(const std::string& text) = 0;
  /// Takes the line away. Called by destructors, too.
  virtual void erase() = 0;
};

/// Who else writes to the terminal meanwhile.
enum class Beside {
  kNobody,   // the line is written over where the cursor stands
  kProgram,  // the last row is reserved: what a program prints scrolls above it and is never written over
};

/// For stderr. Never null; where nothing is to be shown its functions do nothing. `quiet`: only --progress always
/// shows.
std::unique_ptr<StatusLine> status_line(ProgressMode mode, Beside beside, bool quiet);

/// Seconds as "42 s", "3 min 10 s", for time that is left.
std::string left_text(double seconds);

}  // namespace oomcast::report
