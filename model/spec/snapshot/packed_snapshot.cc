// Reads and writes the sections of a packed snapshot. See packed_snapshot.h.
#include "model/spec/snapshot/packed_snapshot.h"

#include <filesystem>
#include <optional>
#include <utility>

#include "model/spec/parse_text.h"
#include "model/spec/snapshot/snapshot_paths.h"

namespace oomcast::host {
namespace {

constexpr std::string_view kOpen = "==> ", kClose = " <==";
constexpr std::string_view kVersions = "oomcast.snapshot.", kThisVersion = "oomcast.snapshot.v1", kEnd = "end";
constexpr std::string_view kAbout =
    "The kernel's own files of one machine, each below its path, for oomcast --host THIS_FILE.\n";

std::string_view relative(std::string_view path) {
  if (path.starts_with("./")) path.remove_prefix(2);
  while (path.starts_with('/')) path.remove_prefix(1);
  return path;
}

/// Goes through the text line by line and keeps the sections that is_snapshot_path() knows.
class Unpacker {
 public:
  Unpacker(std::string_view text, const std::string& file) : text_(text), file_(file) {
    snapshot_.root = file;
    snapshot_.name = std::filesystem::path(file).stem().string();
  }

  Result<SnapshotFiles> unpack() {
    for (size_t at = 0; at < text_.size() && !error_; ++line_) {
      const size_t feed = text_.find('\n', at);
      const size_t end = feed == std::string_view::npos ? text_.size() : feed;
      const std::string_view line = text_.substr(at, end - at);
      if (line.starts_with(kOpen)) {
        close_section(at);
        open_section(line, feed != std::string_view::npos);
        begin_ = std::min(end + 1, text_.size());
      } else if (path_ == kEnd && !trim(line).empty()) {
        fail("there is text after the line '==> end <=='; are these two files in one?");
      }
      at = end + 1;
    }
    if (!error_) check_end();
    if (error_) return *error_;
    return std::move(snapshot_);
  }

 private:
  void fail(const std::string& message) {
    if (!error_) error_ = Error{file_ + ":" + std::to_string(line_) + ": " + message};
  }

  void open_section(std::string_view line, bool whole) {
    if (line.ends_with('\r')) return fail("the lines end in CR LF; convert the file with dos2unix");
    if (!line.ends_with(kClose) || line.size() <= kOpen.size() + kClose.size()) {
      return fail(std::string("the line above a file reads '==> PATH <==', this one is ") + quote(line) +
                  (whole ? "; was the file changed by hand?" : "; is the file cut off? copy it again"));
    }
    line.remove_prefix(kOpen.size());
    line.remove_suffix(kClose.size());
    path_ = relative(line);
    if (path_.starts_with(kVersions)) return take_version();
    keep_ = is_snapshot_path(path_);
    if (!keep_) return;
    const auto [first, is_new] = snapshot_.first_lines.emplace(path_, line_ + 1);
    if (!is_new) {
      fail(std::string(path_) + " is here a second time, after line " + std::to_string(first->second - 1) +
           "; leave one out");
    }
  }

  void take_version() {
    keep_ = false;
    if (line_ != 1) return fail("a second snapshot begins here; are these two files in one?");
    if (path_ != kThisVersion) {
      return fail(quote(path_) + " is of another version, known is " + std::string(kThisVersion) + "; update oomcast");
    }
    says_its_end_ = true;
  }

  // Ends the open section before `next`. The empty line between two sections belongs to neither.
  void close_section(size_t next) {
    if (!keep_) return;
    std::string_view content = text_.substr(begin_, next - begin_);
    if (next < text_.size() && content.ends_with('\n')) content.remove_suffix(1);
    snapshot_.files[std::string(path_)] = std::string(content);
    keep_ = false;
  }

  void check_end() {
    close_section(text_.size());
    if (says_its_end_ && path_ != kEnd) {
      return fail("the last line, '==> end <==', is missing; the file is cut off, copy it again");
    }
    if (!text_.ends_with('\n')) {
      return fail("ends in the middle of a line; is the file cut off? if it is whole, end it with a line break");
    }
    if (snapshot_.files.empty()) {
      line_ = 1;
      fail(
          "no section is a file that a host is read from; those are named '==> proc/zoneinfo <==' and so on, 'oomcast "
          "host "
          "capture --file FILE' writes one");
    }
  }

  const std::string_view text_;
  const std::string& file_;
  SnapshotFiles snapshot_;
  std::optional<Error> error_;
  std::string_view path_;  // of the open section
  size_t begin_ = 0;       // where its content begins
  int line_ = 1;
  bool keep_ = false;
  bool says_its_end_ = false;
};

void add_section(std::string& text, std::string_view path, std::string_view content) {
  if (!text.empty()) text += '\n';
  ((((text += kOpen) += path) += kClose) += '\n') += content;
}

}  // namespace

bool is_packed_snapshot(std::string_view text) { return text.starts_with(kOpen); }

Result<SnapshotFiles> unpack_snapshot(std::string_view text, const std::string& file) {
  return Unpacker(text, file).unpack();
}

Result<std::string> pack_snapshot(const std::map<std::string, std::string>& files) {
  std::string text;
  add_section(text, kThisVersion, kAbout);
  for (const auto& [path, content] : files) {
    if (content.starts_with(kOpen) || content.find("\n" + std::string(kOpen)) != std::string::npos) {
      return Error{path +
                   ": has a line that begins with '==> ', as the lines above the files do; describe the host in a "
                   "directory instead"};
    }
    add_section(text, path, content);
  }
  add_section(text, kEnd, "");
  return text;
}

}  // namespace oomcast::host
