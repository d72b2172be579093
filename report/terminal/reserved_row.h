// Reserves the last row of a terminal for a line of ours while a program has the rest, as apt does for dpkg.
#pragma once

#include <csignal>
#include <string>

#include "report/terminal/status_line.h"

namespace oomcast::report {

/// The rows above are made a scrolling region (DECSTBM), so that what the program prints scrolls above the line and
/// never meets it; the cursor stays where the program left it. Nothing is shown, and the row is given back, while the
/// program has the terminal for itself (it reads keys without echo, or takes the whole screen), while we are in the
/// background, and on terminals of fewer than six rows. Ctrl-Z gives the row back, too; only SIGKILL to us does not.
class ReservedRow final : public StatusLine {
 public:
  explicit ReservedRow(int terminal_fd) : fd_(terminal_fd) {}
  ~ReservedRow() override { erase(); }
  ReservedRow(const ReservedRow&) = delete;
  ReservedRow& operator=(const ReservedRow&) = delete;

  void show(const std::string& text) override;
  void erase() override;

 private:
  bool may_show();
  void reserve();

  int fd_;
  int rows_ = 0, columns_ = 0;  // of the terminal
  int reserved_rows_ = 0;       // of the terminal when the row was reserved; 0: it is not
};

}  // namespace oomcast::report
