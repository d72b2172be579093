// Reads members of a tar archive in memory, with libarchive. See archive.h.
#include "report/host_files/archive.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "model/spec/parse_text.h"
#include "report/terminal/terminal_text.h"
#include "report/words/format.h"

namespace oomcast::report {
namespace {

using ArchivePtr = std::unique_ptr<archive, decltype(&archive_read_free)>;

/// Only filters that are linked in. support_filter_all() would also start programs from PATH.
ArchivePtr opened(std::string_view bytes) {
  ArchivePtr reader(archive_read_new(), &archive_read_free);
  if (!reader) return reader;
  for (auto* support :
       {&archive_read_support_filter_gzip, &archive_read_support_filter_xz, &archive_read_support_filter_bzip2,
        &archive_read_support_filter_zstd, &archive_read_support_format_tar, &archive_read_support_format_raw})
    support(reader.get());
  archive_read_open_memory(reader.get(), bytes.data(), bytes.size());
  return reader;
}

/// "./a//b" is "a/b", "a/../b" is "b". Nothing if the path leads out of the archive.
std::optional<std::string> path_within(std::string_view name) {
  if (name.starts_with('/')) return std::nullopt;
  std::string path;
  while (!name.empty()) {
    const size_t slash = std::min(name.find('/'), name.size());
    const std::string_view word = name.substr(0, slash);
    if (word == "..") {
      if (path.empty()) return std::nullopt;
      const size_t parent = path.rfind('/');
      path.resize(parent == std::string::npos ? 0 : parent);
    } else if (!word.empty() && word != ".") {
      (path += path.empty() ? "" : "/") += word;
    }
    name.remove_prefix(std::min(slash + 1, name.size()));
  }
  return path;
}

/// The target of a symbolic link, relative to its folder; "" if it leads out of the archive.
std::string target_from(const std::string& link, std::string_view target) {
  if (target.starts_with('/')) return "";
  const size_t folder = link.rfind('/');
  const std::string from = folder == std::string::npos ? "" : link.substr(0, folder + 1);
  return path_within(from + std::string(target)).value_or("");
}

/// One pass over the archive.
class Pass {
 public:
  Pass(std::string_view bytes, const std::string& path, const ArchiveLimits& limits)
      : path_(path), limits_(limits), reader_(opened(bytes)) {}

  Result<ArchiveContent> run(const std::function<bool(std::string_view)>& wanted) {
    archive_entry* entry = nullptr;
    while (!error_ && next(entry)) {
      if (archive_format(reader_.get()) == ARCHIVE_FORMAT_RAW)
        content_.text = text(limits_.text_bytes, "what it holds");
      else
        take(entry, wanted);
    }
    if (error_) return *error_;
    return std::move(content_);
  }

 private:
  void fail(const std::string& message) {
    if (!error_) error_ = Error{path_ + ": " + message};
  }

  void fail_as_library() {
    const char* why = archive_error_string(reader_.get());
    fail("cannot be unpacked: " + printable(why ? why : "unknown reason") +
         "; is it cut off or damaged? copy it again");
  }

  bool next(archive_entry*& entry) {
    if (!reader_) return fail("no memory to unpack it"), false;
    const int status = archive_read_next_header(reader_.get(), &entry);
    if (status == ARCHIVE_EOF) return false;
    // A warning is about a name in another character set, or about an attribute that is not used.
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN) return fail_as_library(), false;
    // Checked before the member's content is skipped, which takes as long as to unpack it.
    const int64_t size = archive_entry_size_is_set(entry) ? archive_entry_size(entry) : 0;
    if (archive_filter_bytes(reader_.get(), 0) > limits_.all_bytes - std::min(size, limits_.all_bytes))
      return fail("unpacks to more than " + bytes_text(Bytes(limits_.all_bytes)) + "; is it a sosreport?"), false;
    return true;
  }

  void take(archive_entry* entry, const std::function<bool(std::string_view)>& wanted) {
    const char* name = archive_entry_pathname_utf8(entry);
    if (!name) name = archive_entry_pathname(entry);
    if (!name) return;  // in an unknown character set, so it is no file of the kernel's
    const auto path = path_within(name);
    if (!path)
      return fail("has a member " + host::quote(name) +
                  ", outside of the folder that it unpacks to; pack the folder of the sosreport anew");
    // A hard link's target is relative to the archive, a symbolic link's to its own folder.
    if (const char* target = archive_entry_hardlink(entry)) return add_link(*path, path_within(target).value_or(""));
    if (const char* target = archive_entry_symlink(entry)) return add_link(*path, target_from(*path, target));
    if (archive_entry_filetype(entry) != AE_IFREG || !wanted(*path)) return;
    std::string content = text(limits_.member_bytes, host::quote(*path));
    count(path->size() + content.size());
    content_.files[*path] = std::move(content);
  }

  void add_link(const std::string& path, std::string target) {
    count(path.size() + target.size());
    content_.links[path] = std::move(target);
  }

  void count(size_t bytes) {
    constexpr int64_t kEach = 128;  // overhead of a map entry
    kept_bytes_ += static_cast<int64_t>(bytes) + kEach;
    if (kept_bytes_ > limits_.kept_bytes)
      fail("the files that a host is read from have more than " + bytes_text(Bytes(limits_.kept_bytes)) +
           "; is it a sosreport?");
  }

  std::string text(int64_t most, const std::string& what) {
    std::string out;
    std::array<char, 65536> buffer;
    for (;;) {
      const la_ssize_t n = archive_read_data(reader_.get(), buffer.data(), buffer.size());
      if (n == 0) return out;
      if (n < 0) return fail_as_library(), std::string();
      out.append(buffer.data(), static_cast<size_t>(n));
      if (static_cast<int64_t>(out.size()) > most)
        return fail(what + " unpacks to more than " + bytes_text(Bytes(most)) + "; is it a sosreport?"), std::string();
    }
  }

  const std::string& path_;
  const ArchiveLimits& limits_;
  ArchivePtr reader_;
  ArchiveContent content_;
  std::optional<Error> error_;
  int64_t kept_bytes_ = 0;
};

}  // namespace

bool is_archive(std::string_view bytes) {
  using namespace std::string_view_literals;
  for (const std::string_view magic : {"\x1F\x8B"sv,
                                       "\xFD"
                                       "7zXZ\0"sv,
                                       "BZh"sv, "\x28\xB5\x2F\xFD"sv})
    if (bytes.starts_with(magic)) return true;
  constexpr size_t kMagicOfTar = 257;
  return bytes.size() > kMagicOfTar && bytes.substr(kMagicOfTar).starts_with("ustar");
}

Result<ArchiveContent> read_archive(std::string_view bytes, const std::string& path,
                                    const std::function<bool(std::string_view)>& wanted, const ArchiveLimits& limits) {
  return Pass(bytes, path, limits).run(wanted);
}

}  // namespace oomcast::report
