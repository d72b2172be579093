// Chooses how the progress line is shown. See status_line.h.
#include "report/terminal/status_line.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "report/terminal/reserved_row.h"
#include "report/terminal/terminal_text.h"
#include "report/whole_file.h"

namespace oomcast::report {
namespace {

class NoLine final : public StatusLine {
 public:
  void show(const std::string&) override {}
  void erase() override {}
};

/// Prints a new line once a second, for a log.
class LoggedLines final : public StatusLine {
 public:
  void show(const std::string& text) override {
    const auto now = std::chrono::steady_clock::now();
    if (now < next_ || !takes_output(STDERR_FILENO)) return;
    next_ = now + std::chrono::seconds(1);
    std::fprintf(stderr, "%s\n", printable(text).c_str());
  }
  void erase() override {}

 private:
  std::chrono::steady_clock::time_point next_{};
};

class OverwrittenLine final : public StatusLine {
 public:
  ~OverwrittenLine() override { erase(); }
  void show(const std::string& text) override {
    winsize size{};
    const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
    write_all(STDERR_FILENO, "\r" + cut_to_width(printable(text), known ? size.ws_col - 1 : 79) + "\x1b[K");
    shown_ = true;
  }
  void erase() override {
    if (shown_) write_all(STDERR_FILENO, "\r\x1b[K");
    shown_ = false;
  }

 private:
  bool shown_ = false;
};

/// A terminal without cursor control.
bool is_dumb() {
  const char* term = std::getenv("TERM");
  return term == nullptr || *term == '\0' || std::string_view(term) == "dumb";
}

}  // namespace

ProgressMode progress_mode(const std::string& word) {
  return word == "always" ? ProgressMode::kAlways : word == "never" ? ProgressMode::kNever : ProgressMode::kAuto;
}

std::unique_ptr<StatusLine> status_line(ProgressMode mode, Beside beside, bool quiet) {
  if (mode == ProgressMode::kNever || (mode == ProgressMode::kAuto && quiet)) return std::make_unique<NoLine>();
  const bool terminal = ::isatty(STDERR_FILENO) && !is_dumb();
  if (!terminal && mode == ProgressMode::kAuto) return std::make_unique<NoLine>();
  if (!terminal) return std::make_unique<LoggedLines>();
  if (beside == Beside::kNobody) return std::make_unique<OverwrittenLine>();
  return std::make_unique<ReservedRow>(STDERR_FILENO);
}

}  // namespace oomcast::report
