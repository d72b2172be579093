// Makes tar archives in memory for tests.
#pragma once

#include <archive.h>
#include <archive_entry.h>

#include <string>
#include <vector>

#include "model/base/check.h"

namespace oomcast::report {

struct TestMember {
  std::string path, content;
  std::string symlink, hardlink;  // "": a file
};

enum class Packed { kPlain, kGzip, kXz, kBzip2, kZstd };

inline std::string archive_of(const std::vector<TestMember>& members, Packed packed = Packed::kPlain) {
  archive* writer = archive_write_new();
  archive_write_set_format_gnutar(writer);
  if (packed == Packed::kGzip) archive_write_add_filter_gzip(writer);
  if (packed == Packed::kXz) archive_write_add_filter_xz(writer);
  if (packed == Packed::kBzip2) archive_write_add_filter_bzip2(writer);
  if (packed == Packed::kZstd) archive_write_add_filter_zstd(writer);
  size_t size = 1 << 20, used = 0;
  for (const TestMember& member : members) size += member.content.size() + 2048;
  std::string bytes(size, '\0');
  OOMCAST_CHECK(archive_write_open_memory(writer, bytes.data(), bytes.size(), &used) == ARCHIVE_OK);
  for (const TestMember& member : members) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, member.path.c_str());
    archive_entry_set_filetype(entry, member.symlink.empty() ? AE_IFREG : AE_IFLNK);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, static_cast<la_int64_t>(member.content.size()));
    if (!member.symlink.empty()) archive_entry_set_symlink(entry, member.symlink.c_str());
    if (!member.hardlink.empty()) archive_entry_set_hardlink(entry, member.hardlink.c_str());
    OOMCAST_CHECK(archive_write_header(writer, entry) == ARCHIVE_OK);
    if (!member.content.empty()) archive_write_data(writer, member.content.data(), member.content.size());
    archive_entry_free(entry);
  }
  archive_write_close(writer);
  archive_write_free(writer);
  bytes.resize(used);
  return bytes;
}

}  // namespace oomcast::report
