// A sosreport is read as it comes, from the archive: nothing is extracted, and nothing outside of it is touched.
#include "report/host_files/sosreport.h"

#include <gmock/gmock.h>
#include <oomcast_paths.h>

#include <filesystem>

#include "model/spec/parse_text.h"
#include "model/spec/read_host.h"
#include "report/host_files/host_text.h"
#include "report/whole_file.h"
#include "tests/report/host_files/archives.h"
#include "tests/report/oomlog/logs.h"

namespace oomcast::report {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::StartsWith;

namespace fs = std::filesystem;

const std::string kSnapshot = std::string(OOMCAST_SOURCE_DIR) + "/tests/data/hosts/swap-seq-1node";
const std::string kRoot = "sosreport-db7-2026-01-05-abcdefg";

/// A real snapshot in the folder of a sosreport.
std::vector<TestMember> sosreport() {
  std::vector<TestMember> members;
  for (const auto& entry : fs::recursive_directory_iterator(kSnapshot)) {
    if (!entry.is_regular_file()) continue;
    const std::string path = entry.path().string();
    members.push_back({kRoot + path.substr(kSnapshot.size()), read_whole_file(path).value(), "", ""});
  }
  members.push_back({kRoot + "/var/log/messages", std::string(100000, 'x'), "", ""});
  return members;
}

void drop(std::vector<TestMember>& members, const std::string& path) {
  std::erase_if(members, [&](const TestMember& member) { return member.path == kRoot + "/" + path; });
}

std::string content_of(const std::vector<TestMember>& members, const std::string& path) {
  for (const TestMember& member : members)
    if (member.path == kRoot + "/" + path) return member.content;
  return "";
}

std::string error_of(const std::string& bytes) {
  const auto host = host_of_text(bytes, "sos.tar.xz", {});
  return host ? "no error" : host.error().message;
}
std::string error_of(const std::vector<TestMember>& members) { return error_of(archive_of(members)); }

/// The host as JSON, without its name and its assumptions, which differ between a folder and an archive.
std::string json_of(host::HostSpec host) {
  host.name = "x";
  host.assumed.clear();
  return host::to_json(host);
}

TEST(SosreportArchive, IsTheHostOfItsFolderWhateverItIsPackedWith) {
  const std::string of_folder = json_of(host::read_snapshot(kSnapshot).value());
  for (const Packed packed : {Packed::kPlain, Packed::kGzip, Packed::kXz, Packed::kBzip2, Packed::kZstd}) {
    const auto host = host_of_text(archive_of(sosreport(), packed), "sos.tar", {});
    ASSERT_TRUE(host) << host.error().message;
    EXPECT_EQ(host->name, kRoot);
    EXPECT_EQ(json_of(host.value()), of_folder);
  }
}

TEST(SosreportArchive, MayHaveNoFolderOrMore) {
  for (const std::string folder : {"", "./", "tmp/", "./a/b/"}) {
    std::vector<TestMember> members = sosreport();
    for (TestMember& member : members)
      member.path = folder + (folder.empty() ? member.path.substr(kRoot.size() + 1) : member.path);
    EXPECT_EQ(error_of(members), "no error") << folder;
  }
}

TEST(SosreportArchive, AnErrorInAFileNamesArchiveFileAndLine) {
  std::vector<TestMember> members = sosreport();
  drop(members, "proc/swaps");
  members.push_back({kRoot + "/proc/swaps", "Filename\n/dev/vdb partition none 0 -2\n", "", ""});
  EXPECT_THAT(error_of(members), StartsWith("sos.tar.xz/" + kRoot + "/proc/swaps:2: size 'none'"));
}

TEST(SosreportArchive, LinksWithinItAreFollowed) {
  std::vector<TestMember> members = sosreport();
  const std::string meminfo = content_of(members, "proc/meminfo"), version = content_of(members, "proc/version");
  for (const char* path : {"proc/meminfo", "proc/version", "proc/swaps"}) drop(members, path);
  std::erase_if(members, [](const TestMember& member) { return member.path.starts_with(kRoot + "/sys/block"); });
  members.push_back({kRoot + "/sos_commands/memory/meminfo", meminfo, "", ""});
  members.push_back({kRoot + "/proc/meminfo", "", "../sos_commands/memory/meminfo", ""});
  members.push_back({kRoot + "/elsewhere", version, "", ""});
  members.push_back({kRoot + "/proc/version", "", "", kRoot + "/elsewhere"});
  members.push_back({kRoot + "/proc/swaps", "/dev/sdb partition 524284 0 -2\n", "", ""});
  members.push_back({kRoot + "/sys/devices/pci0000:00/sdb/queue/rotational", "0\n", "", ""});
  members.push_back({kRoot + "/sys/block/sdb", "", "../devices/pci0000:00/sdb", ""});
  const auto host = host_of_text(archive_of(members), "sos.tar", {});
  ASSERT_TRUE(host) << host.error().message;
  ASSERT_EQ(host->swaps.size(), 1u);
  EXPECT_FALSE(host->swaps[0].rotational) << "a link of sysfs leads to the device's own files";
}

TEST(SosreportArchive, ALinkThatLeadsOutIsRefusedAndNotRead) {
  for (const std::string target : {"/proc/zoneinfo", "../../../proc/zoneinfo", "../../../../../../../../etc/passwd"}) {
    std::vector<TestMember> members = sosreport();
    drop(members, "proc/zoneinfo");
    members.push_back({kRoot + "/proc/zoneinfo", "", target, ""});
    EXPECT_THAT(error_of(members), AllOf(StartsWith("sos.tar.xz: "), HasSubstr("leads out of the archive"))) << target;
  }
  std::vector<TestMember> members = sosreport();
  drop(members, "proc/zoneinfo");
  members.push_back({kRoot + "/proc/zoneinfo", "", "zoneinfo", ""});
  EXPECT_THAT(error_of(members), HasSubstr("leads nowhere")) << "a link to itself";
  members = sosreport();
  members.push_back({kRoot + "/etc/localtime", "", "/usr/share/zoneinfo/UTC", ""});
  EXPECT_EQ(error_of(members), "no error") << "of no interest, and common";
}

TEST(SosreportArchive, MembersOutsideOfTheFolderAreRefused) {
  for (const std::string name : {"../evil", "/etc/passwd", "a/../../evil"}) {
    std::vector<TestMember> members = sosreport();
    members.push_back({name, "x", "", ""});
    EXPECT_THAT(error_of(members), HasSubstr("outside of the folder that it unpacks to")) << name;
  }
}

TEST(SosreportArchive, OneThatIsNoneSaysSo) {
  EXPECT_THAT(error_of({{"a/b.txt", "x", "", ""}}), HasSubstr("holds no sosreport"));
  EXPECT_THAT(error_of(std::vector<TestMember>{}), StartsWith("sos.tar.xz:"));
  std::vector<TestMember> members = sosreport();
  members.push_back({"sosreport-db8/proc/zoneinfo", content_of(members, "proc/zoneinfo"), "", ""});
  EXPECT_THAT(error_of(members), HasSubstr("holds several hosts"));
  members.back().path = kRoot + "/containers/c1/proc/zoneinfo";
  EXPECT_EQ(error_of(members), "no error") << "the outer one is the host";
}

TEST(SosreportArchive, CutOneSaysSo) {
  for (const Packed packed : {Packed::kPlain, Packed::kGzip, Packed::kXz, Packed::kBzip2, Packed::kZstd}) {
    const std::string whole = archive_of(sosreport(), packed);
    const std::string message = error_of(whole.substr(0, packed == Packed::kPlain ? 700 : whole.size() * 2 / 3));
    EXPECT_THAT(message, HasSubstr("cut off")) << static_cast<int>(packed);
    EXPECT_EQ(message.find('\n'), std::string::npos);
  }
}

TEST(SosreportArchive, WhatUnpacksToTooMuchIsGivenUp) {
  ArchiveLimits limits;
  limits.member_bytes = 1000;
  const auto all = [](std::string_view) { return true; };
  const std::string large = archive_of({{"a", std::string(2000, 'x'), "", ""}}, Packed::kGzip);
  EXPECT_THAT(read_archive(large, "a.tgz", all, limits).error().message, HasSubstr("unpacks to more than"));
  EXPECT_TRUE(read_archive(
      large, "a.tgz", [](std::string_view) { return false; }, limits));
  limits.all_bytes = 1500;
  EXPECT_THAT(read_archive(
                  large, "a.tgz", [](std::string_view) { return false; }, limits)
                  .error()
                  .message,
              AllOf(StartsWith("a.tgz: unpacks to more than 1.5 KiB"), HasSubstr("is it a sosreport?")));
  limits = {};
  limits.kept_bytes = 2000;
  const std::string many = archive_of({{"a", std::string(900, 'x'), "", ""},
                                       {"b", std::string(900, 'x'), "", ""},
                                       {"c", std::string(900, 'x'), "", ""}});
  EXPECT_THAT(read_archive(many, "a.tar", all, limits).error().message, HasSubstr("have more than 2.0 KiB"));
}

TEST(SosreportArchive, ACompressedTextIsReadAsTheTextIs) {
  const std::string json = R"({"schema": "oomcast.host.v1", "kernel": "6.1", "nodes": [{"managed": "2G"}]})";
  archive* writer = archive_write_new();
  archive_write_set_format_raw(writer);
  archive_write_add_filter_gzip(writer);
  std::string bytes(65536, '\0');
  size_t used = 0;
  archive_write_open_memory(writer, bytes.data(), bytes.size(), &used);
  archive_entry* entry = archive_entry_new();
  archive_entry_set_filetype(entry, AE_IFREG);
  archive_write_header(writer, entry);
  archive_write_data(writer, json.data(), json.size());
  archive_entry_free(entry);
  archive_write_close(writer);
  archive_write_free(writer);
  bytes.resize(used);
  const auto host = host_of_text(bytes, "box.json.gz", {});
  ASSERT_TRUE(host) << host.error().message;
  EXPECT_EQ(host->nodes.size(), 1u);
  EXPECT_EQ(kernel_log_in(bytes, "x").value(), json);
  EXPECT_EQ(kernel_log_in(json, "x").value(), json);
}

TEST(SosreportArchive, ItsKernelLogWithAnOomReportIsFound) {
  std::vector<TestMember> members = sosreport();
  EXPECT_THAT(kernel_log_in(archive_of(members), "sos.tar").error().message,
              AllOf(StartsWith("sos.tar: is an archive, and no kernel log in it has an OOM report"),
                    HasSubstr("sos_commands/kernel/dmesg")));
  members.push_back({kRoot + "/sos_commands/kernel/dmesg", "[1.0] booted\n", "", ""});
  members.push_back({kRoot + "/var/log/kern.log", oomlog::kHost61, "", ""});
  EXPECT_EQ(kernel_log_in(archive_of(members, Packed::kXz), "sos.tar").value(), oomlog::kHost61);
}

}  // namespace
}  // namespace oomcast::report
