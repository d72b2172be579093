// A snapshot in one file says what the directory says; what is damaged in it is refused by file and line.
#include "model/spec/snapshot/packed_snapshot.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "model/spec/read_host.h"
#include "model/spec/snapshot/snapshot_paths.h"
#include "tests/model/spec/snapshots.h"

namespace oomcast::host {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Key;
using testing::StartsWith;

std::string packed(const std::string& name) {
  const auto text = pack_snapshot(load(name).files);
  EXPECT_TRUE(text) << text.error().message;
  return text.value();
}

std::string refusal(std::string_view text) {
  const auto snapshot = unpack_snapshot(text, "box.snapshot");
  return snapshot ? "no error" : snapshot.error().message;
}

/// A file in the test's own directory, gone afterwards.
class PackedFile {
 public:
  explicit PackedFile(const std::string& text)
      : path_(testing::TempDir() + "packed_snapshot_test." + std::to_string(::getpid())) {
    std::ofstream(path_, std::ios::binary) << text;
  }
  ~PackedFile() { std::filesystem::remove(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class StoredHost : public testing::TestWithParam<const char*> {};

TEST_P(StoredHost, IsTheSameFromOneFile) {
  const auto from_directory = read_host(hosts_directory() + "/" + GetParam());
  const PackedFile file(packed(GetParam()));
  auto from_file = read_host(file.path());
  ASSERT_TRUE(from_directory) << from_directory.error().message;
  ASSERT_TRUE(from_file) << from_file.error().message;
  from_file->name = from_directory->name;
  EXPECT_EQ(to_json(from_file.value()), to_json(from_directory.value()));
}

INSTANTIATE_TEST_SUITE_P(All, StoredHost,
                         testing::Values("k612-oom-2node", "minfree-64m", "oom-noswap-2node", "swap-seq-1node",
                                         "victim-adj", "wsf-500"));

TEST(PackedSnapshot, IsWhatTailPrintsOfSeveralFiles) {
  // $ tail -n +1 /proc/meminfo ./proc/sys/vm/swappiness proc/version
  const auto snapshot = unpack_snapshot(
      "==> /proc/meminfo <==\nMemFree: 3 kB\n\n\n"
      "==> ./proc/sys/vm/swappiness <==\n\n"
      "==> proc/version <==\nLinux version 6.1.0\n",
      "dir/box.snapshot");
  ASSERT_TRUE(snapshot) << snapshot.error().message;
  EXPECT_EQ(snapshot->name, "box");
  EXPECT_THAT(snapshot->files,
              ElementsAre(std::pair("proc/meminfo", "MemFree: 3 kB\n\n"), std::pair("proc/sys/vm/swappiness", ""),
                          std::pair("proc/version", "Linux version 6.1.0\n")));
}

TEST(PackedSnapshot, SectionsOutsideTheKnownTreeArePassedOver) {
  const auto snapshot = unpack_snapshot(
      "==> ../proc/meminfo <==\na\n\n==> proc/../etc/passwd <==\nb\n\n==> /etc/shadow <==\nc\n\n==> proc/self/status "
      "<==\nd\n\n"
      "==> proc/7/status <==\ne\n\n==> sys/fs/cgroup/../memory.max <==\nf\n\n==> sys/fs/cgroup/a/b/memory.max "
      "<==\ng\n\n"
      "==> sys/fs/cgroup//memory.max <==\nh\n\n==> proc/7/status/status <==\ni\n",
      "box.snapshot");
  ASSERT_TRUE(snapshot) << snapshot.error().message;
  EXPECT_THAT(snapshot->files, ElementsAre(Key("proc/7/status"), Key("sys/fs/cgroup/a/b/memory.max")));
}

TEST(PackedSnapshot, NamesOfTheKnownTreeAreThoseThatADirectoryIsReadFor) {
  for (const std::string& path : single_snapshot_paths()) EXPECT_TRUE(is_snapshot_path(path)) << path;
  EXPECT_TRUE(is_snapshot_path("sys/devices/system/node/node1023/distance"));
  EXPECT_FALSE(is_snapshot_path("sys/devices/system/node/node1024/distance"));
  EXPECT_FALSE(is_snapshot_path("sys/devices/system/node/node1/sub/distance"));
  EXPECT_TRUE(is_snapshot_path("sys/block/sda/queue/rotational"));
  EXPECT_FALSE(is_snapshot_path("sys/fs/cgroup/memory.max")) << "the root has no limit";
  EXPECT_FALSE(is_snapshot_path("proc"));
  EXPECT_FALSE(is_snapshot_path("proc/"));
  EXPECT_FALSE(is_snapshot_path(""));
}

TEST(PackedSnapshot, AnErrorNamesTheLineOfTheFileAndTheSection) {
  std::string text = packed("oom-noswap-2node");
  const size_t at = text.find("pages free     40878");
  ASSERT_NE(at, std::string::npos);
  text.replace(at, 20, "pages free     60000");
  const auto line = std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n') + 1;
  const PackedFile file(text);
  EXPECT_THAT(read_host(file.path()).error().message,
              StartsWith(file.path() + ":" + std::to_string(line) +
                         ": proc/zoneinfo: zone DMA32 has 60000 free pages but only 52204 managed"));
}

TEST(PackedSnapshot, WithoutZoneinfoItIsNoHost) {
  const PackedFile file("==> proc/meminfo <==\nMemFree: 3 kB\n");
  EXPECT_THAT(read_host(file.path()).error().message, StartsWith(file.path() + ": proc/zoneinfo: not there; "));
}

TEST(PackedSnapshot, CutOffAnywhereItIsRefused) {
  const std::string text = packed("victim-adj");
  ASSERT_TRUE(unpack_snapshot(text, "box.snapshot"));
  for (size_t bytes = 0; bytes < text.size() - 1; bytes += 97) {
    const PackedFile file(text.substr(0, bytes));
    ASSERT_FALSE(read_host(file.path())) << bytes << " of " << text.size() << " bytes";
  }
}

struct Damage {
  const char* name;
  const char* text;
  const char* error;
};

class DamagedPackedSnapshot : public testing::TestWithParam<Damage> {};

TEST_P(DamagedPackedSnapshot, IsRefusedWithItsLine) {
  EXPECT_THAT(refusal(GetParam().text), StartsWith(GetParam().error));
}

INSTANTIATE_TEST_SUITE_P(
    All, DamagedPackedSnapshot,
    testing::Values(
        Damage{"Twice", "==> proc/meminfo <==\na\n\n==> proc/version <==\nb\n\n==> proc/meminfo <==\nc\n",
               "box.snapshot:7: proc/meminfo is here a second time, after line 1; leave one out"},
        Damage{"CutInALine", "==> proc/meminfo <==\nMemFr",
               "box.snapshot:3: ends in the middle of a line; is the file cut off?"},
        Damage{"CutInAPath", "==> proc/meminfo <==\na\n\n==> proc/ver",
               "box.snapshot:4: the line above a file reads '==> PATH <==', this one is '==> proc/ver'; is the file "
               "cut off?"},
        Damage{
            "PathWithoutEnd", "==> proc/meminfo\na\n",
            "box.snapshot:1: the line above a file reads '==> PATH <==', this one is '==> proc/meminfo'; was the file "
            "changed by hand?"},
        Damage{"NoPath", "==>  <==\na\n", "box.snapshot:1: the line above a file reads '==> PATH <=='"},
        Damage{"NoEnd", "==> oomcast.snapshot.v1 <==\n\n==> proc/meminfo <==\na\n",
               "box.snapshot:5: the last line, '==> end <==', is missing; the file is cut off"},
        Damage{"TextAfterTheEnd", "==> oomcast.snapshot.v1 <==\n\n==> proc/meminfo <==\na\n\n==> end <==\n\nb\n",
               "box.snapshot:8: there is text after the line '==> end <=='; are these two files in one?"},
        Damage{"TwoInOne",
               "==> oomcast.snapshot.v1 <==\n\n==> proc/meminfo <==\na\n\n==> end <==\n==> oomcast.snapshot.v1 <==\n",
               "box.snapshot:7: a second snapshot begins here"},
        Damage{"OfALaterVersion", "==> oomcast.snapshot.v2 <==\n\n==> end <==\n",
               "box.snapshot:1: 'oomcast.snapshot.v2' is of another version, known is oomcast.snapshot.v1; update "
               "oomcast"},
        Damage{"LinesOfWindows", "==> proc/meminfo <==\r\na\r\n", "box.snapshot:1: the lines end in CR LF; convert"},
        Damage{"NothingOfAHost", "==> etc/fstab <==\na\n",
               "box.snapshot:1: no section is a file that a host is read from"}),
    [](const auto& one) { return std::string(one.param.name); });

TEST(PackedSnapshot, AFileThatReadsLikeASectionIsNotPacked) {
  EXPECT_THAT(pack_snapshot({{"proc/cmdline", "a\n==> b"}}).error().message,
              HasSubstr("proc/cmdline: has a line that begins"));
}

TEST(HostFile, OfNoKnownKindIsRefusedOnce) {
  for (const char* text : {"", "hello\n", "MemTotal: 3 kB\n", "\x1f\x8b\x08", "[1, 2]"}) {
    const PackedFile file(text);
    EXPECT_THAT(read_host(file.path()).error().message,
                StartsWith(file.path() + ":1: is neither a snapshot, which begins "
                                         "with '==> proc/zoneinfo <=='"));
  }
}

}  // namespace
}  // namespace oomcast::host
