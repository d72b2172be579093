// Lays out the summary of a run. See summary_paper.h.
#include "report/terminal/summary_paper.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "report/console.h"
#include "report/terminal/sparkline.h"
#include "report/terminal/terminal_text.h"

namespace oomcast::report {
namespace {

constexpr size_t kMargin = 2, kLabel = 11;
constexpr size_t kColumnsLeast = 60, kColumnsMost = 160;

std::string label_text(const std::string& label) {
  return label + std::string(label.size() < kLabel ? kLabel - label.size() : 1, ' ');
}

}  // namespace

Look look_of(int fd) {
  Look look;
  if (!::isatty(fd)) return look;
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    look.columns = std::clamp<size_t>(size.ws_col, kColumnsLeast, kColumnsMost);
  look.color = takes_color(fd);
  look.ascii = locale_is_ascii();
  return look;
}

std::string SummaryPaper::tinted(const char* tint, const std::string& what) const {
  return look_.color ? tint + what + "\x1b[0m" : what;
}

void SummaryPaper::plain(const std::string& what) { blocks_.push_back({wrapped(what, look_.columns), Rank::kMust}); }

void SummaryPaper::line(const std::string& label, const std::string& what, Rank rank, size_t lines_most) {
  std::vector<std::string> lines = wrapped(what, look_.columns - kMargin - kLabel);
  if (lines.size() > lines_most) {
    lines.resize(lines_most);
    lines.back() += " ...";
  }
  const std::string indent(kMargin, ' ');
  for (size_t i = 0; i < lines.size(); ++i)
    lines[i] = indent + (i == 0 ? tinted(kDim, label_text(label)) : std::string(kLabel, ' ')) + lines[i];
  blocks_.push_back({std::move(lines), rank});
}

std::string SummaryPaper::text(const std::string& last_label, const std::string& last) const {
  std::vector<Block> kept = blocks_;
  size_t lines = 1, dropped = 0;
  for (const Block& block : kept) lines += block.lines.size();
  for (int rank = static_cast<int>(Rank::kExtra); rank > static_cast<int>(Rank::kMust); --rank)
    for (size_t i = kept.size(); i-- > 0 && lines > kSummaryLinesMost;)
      if (static_cast<int>(kept[i].rank) == rank) {
        lines -= kept[i].lines.size();
        dropped += kept[i].lines.size();
        kept.erase(kept.begin() + static_cast<std::ptrdiff_t>(i));
      }
  std::string text;
  for (const Block& block : kept)
    for (const std::string& line : block.lines) text += line + "\n";
  const std::string more = dropped > 0 ? " (" + std::to_string(dropped) + " more lines: oomcast show)" : "";
  return text + std::string(kMargin, ' ') + tinted(kDim, label_text(last_label)) + last + more + "\n";
}

}  // namespace oomcast::report
