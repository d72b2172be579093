// What a host's file systems in memory hold: from /proc/mounts, by hand, and which of them a directory lies on.
#include "model/spec/tmpfs_spec.h"

#include <gmock/gmock.h>

#include "model/spec/json/json_host.h"
#include "model/spec/read_host.h"
#include "tests/model/spec/snapshots.h"

namespace oomcast::host {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using namespace oomcast::literals;

std::vector<TmpfsSpec> mounted(const std::string& text) {
  SnapshotFiles snapshot = load("swap-seq-1node");
  snapshot.files["proc/mounts"] = text;
  auto host = parse_snapshot(snapshot);
  EXPECT_TRUE(host) << host.error().message;
  return host ? host->tmpfs : std::vector<TmpfsSpec>{};
}
TmpfsSpec half(const char* mount) { return {mount, std::nullopt}; }

TEST(SnapshotTmpfs, TheKernelPrintsASizeUnlessItIsTheDefault) {
  EXPECT_THAT(mounted("tmpfs /dev/shm tmpfs rw,nosuid,nodev,size=65536k,inode64 0 0\n"
                      "/dev/vda / ext4 rw 0 0\n"
                      "devtmpfs /dev devtmpfs rw,size=4096k,nr_inodes=99 0 0\n"
                      "tmpfs /run tmpfs rw,nosuid 0 0\n"
                      "tmpfs /scratch tmpfs rw,size=0k 0 0\n"
                      "tmpfs /old tmpfs rw,nr_blocks=16 0 0\n"),
              ElementsAre(TmpfsSpec{"/dev", 4_MiB}, TmpfsSpec{"/dev/shm", 64_MiB}, TmpfsSpec{"/old", 64_KiB},
                          half("/run"), TmpfsSpec{"/scratch", Bytes(0)}));
}

TEST(SnapshotTmpfs, WhatIsMountedLaterHidesWhatWasThere) {
  EXPECT_THAT(mounted("tmpfs /a tmpfs rw,size=4k 0 0\ntmpfs /a tmpfs rw,size=8k 0 0\n"),
              ElementsAre(TmpfsSpec{"/a", 8_KiB}));
  EXPECT_THAT(mounted("tmpfs /a tmpfs rw,size=4k 0 0\n/dev/vdb /a ext4 rw 0 0\n"), IsEmpty());
}

TEST(SnapshotTmpfs, BlanksAndBrokenLines) {
  EXPECT_THAT(mounted("tmpfs /my\\040ram tmpfs rw,size=4k 0 0\n"), ElementsAre(TmpfsSpec{"/my ram", 4_KiB}));
  EXPECT_THAT(mounted("tmpfs none tmpfs rw 0 0\ntmpfs /short tmpfs\n\n"), IsEmpty());
  EXPECT_THAT(mounted("tmpfs /a tmpfs size=many,,nr_blocks= 0 0\ntmpfs /b\\9 tmpfs rw 0 0\n"),
              ElementsAre(half("/a"), half("/b\\9")));
}

TEST(TmpfsSpec, TheDefaultIsHalfOfTheRamAndZeroIsNoLimit) {
  EXPECT_EQ(tmpfs_limit(half("/a"), 1001_pages), 500_pages);
  EXPECT_EQ(tmpfs_limit({"/a", Bytes(4097)}, 1000_pages), 2_pages) << "the kernel rounds up";
  EXPECT_EQ(tmpfs_limit({"/a", Bytes(0)}, 1000_pages), std::nullopt);
}

TEST(TmpfsSpec, ADirectoryLiesOnTheNearestMountAboveIt) {
  const std::vector<TmpfsSpec> all = {half("/dev"), half("/dev/shm"), half("/run")};
  const auto of = [&](const char* directory) {
    const TmpfsSpec* found = tmpfs_of(all, directory);
    return found ? found->mount : "";
  };
  EXPECT_EQ(of("/dev/shm"), "/dev/shm");
  EXPECT_EQ(of("/dev/shm/sub"), "/dev/shm");
  EXPECT_EQ(of("/dev/shmem"), "/dev");
  EXPECT_EQ(of("/tmp"), "");
}

TEST(TmpfsSpec, AHostWrittenByUsIsReadBack) {
  HostSpec host = preset("vm-1g").value();
  EXPECT_THAT(host.tmpfs, IsEmpty()) << "of a preset nothing is known";
  host.tmpfs = {{"/dev/shm", 64_MiB}, half("/run"), {"/scratch", Bytes(0)}};
  const auto again = parse_json(to_json(host), "h.json", "h");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->tmpfs, host.tmpfs);
  EXPECT_EQ(to_json(again.value()), to_json(host));
}

TEST(TmpfsSpec, MistakesInAHostFileAreNamed) {
  const auto error = [](const std::string& tmpfs) {
    const auto host = parse_json(
        R"({"schema": "oomcast.host.v1", "nodes": [{"managed": "1G"}], "tmpfs": [)" + tmpfs + "]}", "h.json", "h");
    return host ? "accepted" : host.error().message;
  };
  EXPECT_THAT(error(R"({"size": "1M"})"), HasSubstr("tmpfs[0].mount: missing"));
  EXPECT_THAT(error(R"({"mount": "shm"})"), HasSubstr("does not begin with /"));
  EXPECT_THAT(error(R"({"mount": "/a", "sise": 1})"), HasSubstr("size"));
  EXPECT_THAT(error(R"({"mount": "/a", "size": "many"})"), HasSubstr("tmpfs[0].size"));
  EXPECT_EQ(error(R"({"mount": "/a/", "size": "1M"}, {"mount": "/b"})"), "accepted");
}

TEST(TmpfsSpec, TheOptionAddsAMountOrChangesIt) {
  HostSpec host = preset("vm-1g").value();
  for (const char* word : {"/dev/shm=64M", "/run:size=32m", "/scratch=0", "/half", "/dev/shm/=1G"})
    ASSERT_TRUE(set_tmpfs(host, word)) << word;
  EXPECT_THAT(host.tmpfs, ElementsAre(TmpfsSpec{"/dev/shm", 1_GiB}, TmpfsSpec{"/run", 32_MiB},
                                      TmpfsSpec{"/scratch", Bytes(0)}, half("/half")));
  EXPECT_THAT(set_tmpfs(host, "64M").error().message, HasSubstr("--tmpfs 64M: expected PATH=SIZE"));
  EXPECT_THAT(set_tmpfs(host, "/a=lots").error().message, HasSubstr("'lots', expected a size"));
}

TEST(TmpfsSpec, SetAndVaryNameAMountByItsPath) {
  HostSpec host = preset("vm-1g").value();
  ASSERT_TRUE(set_field(host, "tmpfs./dev/shm=220M"));
  EXPECT_THAT(host.tmpfs, ElementsAre(TmpfsSpec{"/dev/shm", 220_MiB}));
}

}  // namespace
}  // namespace oomcast::host
