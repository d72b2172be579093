// Reserves the last row of a terminal for a status line while a program uses the others, as apt does for dpkg.
#pragma once

#include <csignal>
#include <string>

#include "report/terminal/status_line.h"

namespace oomcast::report {

/// The rows above become a scrolling region (DECSTBM), so that the program's output scrolls above the line and never
/// overwrites it. The cursor stays where the program left it. The row is given back, and nothing is shown, while the
/// program uses the terminal alone (it reads keys without echo, or the whole screen), while this process is in the
/// background, and on terminals of fewer than six rows. Ctrl-Z gives the row back, too; SIGKILL does not.
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
  int rows_ = 0, columns_ = 0;  // size of the terminal
  int reserved_rows_ = 0;       // rows of the terminal when the row was reserved; 0: not reserved
};

}  // namespace oomcast::report
