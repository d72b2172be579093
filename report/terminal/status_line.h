// Keeps one line of the terminal up to date while a command runs, and removes it at the end.
#pragma once

#include <memory>
#include <string>

namespace oomcast::report {

/// --progress. kAuto: on a terminal; kAlways: also elsewhere, as a line per second; kNever.
enum class ProgressMode { kAuto, kAlways, kNever };
ProgressMode progress_mode(const std::string& word);  // "auto", "always", "never"

class StatusLine {
 public:
  virtual ~StatusLine() = default;
  /// Shows the text in place of the last one, shortened to the width of the terminal. Control characters become blanks.
  virtual void show(const std::string& text) = 0;
  /// Removes the line. Destructors call it, too.
  virtual void erase() = 0;
};

/// Who else writes to the terminal.
enum class Beside {
  kNobody,   // nobody: the line is overwritten at the cursor
  kProgram,  // a program: the last row is reserved, and the program's output scrolls above it
};

/// A status line on stderr. Never null; its functions may do nothing. `quiet`: only --progress always shows a line.
std::unique_ptr<StatusLine> status_line(ProgressMode mode, Beside beside, bool quiet);

}  // namespace oomcast::report
