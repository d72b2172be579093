// Reserves the last row of a terminal. See reserved_row.h.
#include "report/terminal/reserved_row.h"

#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "report/terminal/terminal_text.h"
#include "report/whole_file.h"

namespace oomcast::report {
namespace {

constexpr int kRowsLeast = 6, kColumnsLeast = 20;

// Names as in ECMA-48 and the VT100.
constexpr const char* kSaveCursor =
    "\x1b"
    "7";
constexpr const char* kRestoreCursor =
    "\x1b"
    "8";
constexpr const char* kDownOneScrolling =
    "\x1b"
    "D";  // IND: the column stays; scrolls at the end of the screen
constexpr const char* kUpOne =
    "\x1b"
    "M";  // RI
constexpr const char* kEraseRow = "\x1b[2K";

std::string row_start(int row) { return "\x1b[" + std::to_string(row) + ";1H"; }
std::string scroll_rows(int last) { return "\x1b[1;" + std::to_string(last) + "r"; }

/// All rows scroll again. The sequence also names the rows by number, because some terminals do not know the short
/// form.
std::string give_back(int row) {
  return kSaveCursor + scroll_rows(row) + "\x1b[r" + row_start(row) + kEraseRow + kRestoreCursor;
}

// For the handler of SIGTSTP, which may call only async-signal-safe functions.
char g_give_back[64];
volatile sig_atomic_t g_give_back_size = 0;
volatile sig_atomic_t g_was_stopped = 0;
int g_fd = -1;

/// Gives the row back and stops the process as without a handler. The next show() reserves the row again.
void on_stop(int signal) {
  const int saved_errno = errno;
  if (g_give_back_size > 0) static_cast<void>(!::write(g_fd, g_give_back, static_cast<size_t>(g_give_back_size)));
  g_was_stopped = 1;
  std::signal(signal, SIG_DFL);
  sigset_t only, before;
  sigemptyset(&only);
  sigaddset(&only, signal);
  ::raise(signal);
  pthread_sigmask(SIG_UNBLOCK, &only, &before);  // the process stops here
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = saved_errno;
}

/// Writes from the background, too, where a terminal with `stty tostop` would stop the process.
void write_unstopped(int fd, const std::string& text) {
  sigset_t only, before;
  sigemptyset(&only);
  sigaddset(&only, SIGTTOU);
  pthread_sigmask(SIG_BLOCK, &only, &before);
  write_all(fd, text);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void watch_for_stop(int fd, const std::string& sequence) {
  struct sigaction before {};
  ::sigaction(SIGTSTP, nullptr, &before);
  if (before.sa_handler == SIG_IGN) return;  // a shell without job control
  g_fd = fd;
  std::memcpy(g_give_back, sequence.data(), std::min(sequence.size(), sizeof g_give_back));
  g_give_back_size = static_cast<sig_atomic_t>(std::min(sequence.size(), sizeof g_give_back));
  struct sigaction ours {};
  ours.sa_handler = on_stop;
  ours.sa_flags = SA_RESTART;
  ::sigaction(SIGTSTP, &ours, nullptr);
}

void stop_watching() {
  if (g_give_back_size == 0) return;
  g_give_back_size = 0;
  std::signal(SIGTSTP, SIG_DFL);
}

}  // namespace

bool ReservedRow::may_show() {
  winsize size{};
  termios mode{};
  if (::ioctl(fd_, TIOCGWINSZ, &size) != 0 || ::tcgetattr(fd_, &mode) != 0) return false;
  rows_ = size.ws_row;
  columns_ = size.ws_col;
  const tcflag_t line_mode = ICANON | ECHO;
  return rows_ >= kRowsLeast && columns_ >= kColumnsLeast && (mode.c_lflag & line_mode) == line_mode &&
         (mode.c_oflag & OPOST) != 0 && ::tcgetpgrp(fd_) == ::getpgrp();
}

void ReservedRow::reserve() {
  // Makes a row free below the cursor, whose column stays. Setting the scrolling region moves the cursor: hence save
  // and restore.
  write_all(fd_, kDownOneScrolling + std::string(kUpOne) + kSaveCursor + scroll_rows(rows_ - 1) + kRestoreCursor);
  reserved_rows_ = rows_;
  watch_for_stop(fd_, give_back(rows_));
}

void ReservedRow::show(const std::string& text) {
  if (g_was_stopped != 0) {
    g_was_stopped = 0;
    reserved_rows_ = 0;
  }
  if (!takes_output(fd_)) return;  // the program would have to wait, too
  if (!may_show()) return erase();
  if (reserved_rows_ != 0 && reserved_rows_ != rows_) erase();  // the window has another size
  if (reserved_rows_ == 0) reserve();
  // One write: what the program prints at the same time comes before or after it.
  write_all(fd_, kSaveCursor + row_start(rows_) + kEraseRow +
                     cut_to_width(printable(text), static_cast<size_t>(columns_ - 1)) + kRestoreCursor);
}

void ReservedRow::erase() {
  if (reserved_rows_ == 0) return;
  stop_watching();
  write_unstopped(fd_, give_back(reserved_rows_));
  reserved_rows_ = 0;
}

}  // namespace oomcast::report
