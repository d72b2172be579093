// A mount of tmpfs holds so many pages, in memory or in swap, and reports once that a page is one too many.
#include "model/mm/tmpfs.h"

#include <gtest/gtest.h>

#include "model/mm/page_cache.h"
#include "model/mm/shmem.h"
#include "model/mm/shrink_lists.h"
#include "model/mm/swap.h"
#include "tests/support/host_builder.h"
#include "tests/support/machine.h"

namespace oomcast::mm {
namespace {

using support::HostBuilder;
using support::Kswapd;
using support::Machine;
using namespace oomcast::literals;

struct Tmpfs : testing::Test {
  Tmpfs() : m(host(), Kswapd::kAbsent), app(m.start(100)) {
    for (int i = 0; i < 2; ++i) {
      m.host.files.emplace_back();
      m.host.files.back().home = host::FileHome::kShmem;
    }
  }
  void TearDown() override { EXPECT_EQ(m.audit(), std::vector<std::string>{}); }

  static host::HostSpec host() {
    return HostBuilder().plain_node(20000_pages).swap(64_MiB).tmpfs("/dev/shm", to_bytes(100_pages)).build();
  }
  void lie_on(const std::string& path, host::FileIndex file = 0) {
    put_on_mount(m.host, m.host.files[file], mount_on_target(m.host, m.host.spec.tmpfs, path, 0));
  }
  void write(uint64_t pages, host::FileIndex file = 0) {
    m.run([&] { EXPECT_TRUE(shmem_write(m.k, app, file, 0, pages << kPageShift)); }, 0, 100);
  }
  /// Null: nothing was refused.
  const Refusal* refusal() {
    const auto& refused = m.log.incidents().alloc_refused;
    return refused ? &refused->refusal.value() : nullptr;
  }
  const host::TmpfsMount& mount() { return m.host.mounts.at(0); }

  Machine m;
  host::ProcessIndex app;
};

TEST_F(Tmpfs, HoldsWhatItMay) {
  lie_on("/dev/shm");
  write(100);
  EXPECT_EQ(mount().used_pages, 100);
  EXPECT_FALSE(refusal());
}

TEST_F(Tmpfs, RefusesTheFirstPageBeyondAndGoesOnAsTheProgramDid) {
  lie_on("/dev/shm");
  write(103);
  ASSERT_TRUE(refusal());
  EXPECT_EQ(refusal()->by, RefusedBy::kTmpfsFull);
  EXPECT_EQ(refusal()->mount, "/dev/shm");
  EXPECT_EQ(refusal()->limit, 100);
  EXPECT_EQ(refusal()->in_use, 100_pages);
  EXPECT_FALSE(refusal()->mapped);
  EXPECT_EQ(mount().peak_pages, 103);
}

TEST_F(Tmpfs, AMappingIsRefusedToo) {
  lie_on("/dev/shm");
  host::AddressSpace& space = m.process(app).space;
  space.map(0x1000 << kPageShift, 101 << kPageShift, {});
  host::AddressSpace::Mapping& mapping = space.mappings[0x1000 << kPageShift];
  mapping.file = 0;
  mapping.file_shift = -0x1000;
  mapping.shared = true;
  EXPECT_EQ(m.touch(app, 0x1000, 101), 101);
  ASSERT_TRUE(refusal());
  EXPECT_TRUE(refusal()->mapped);
}

TEST_F(Tmpfs, FilesOfOneMountShareItsRoom) {
  lie_on("/dev/shm", 0);
  lie_on("/dev/shm/sub", 1);
  write(60, 0);
  write(41, 1);
  ASSERT_TRUE(refusal());
  EXPECT_EQ(refusal()->in_use, 100_pages);
}

TEST_F(Tmpfs, WhatIsCutGivesRoom) {
  lie_on("/dev/shm");
  write(100);
  m.run([&] { punch_file(m.k, 0, 10, 30); });
  EXPECT_EQ(mount().used_pages, 80);
  m.run([&] { truncate_file(m.k, 0, 0); });
  EXPECT_EQ(mount().used_pages, 0);
  write(100, 0);
  EXPECT_FALSE(refusal());
  EXPECT_EQ(mount().peak_pages, 100);
}

TEST_F(Tmpfs, WhatIsSwappedOutCountsStill) {
  lie_on("/dev/shm");
  write(100);
  for (int pass = 0; pass < 4; ++pass) {
    m.run([&] {
      SwapPlug plug(m.k);
      ScanControl sc;
      for (int64_t i = 0; i < 100; i += 32) shrink_inactive_list(m.k, 0, host::kRootCgroup, 32, false, sc);
      plug.flush();
    });
    m.pass(1_s);
  }
  ASSERT_GT(m.host.files[0].swapped, 0);
  EXPECT_EQ(mount().used_pages, 100);
  lie_on("/dev/shm", 1);
  write(1, 1);
  EXPECT_TRUE(refusal());
  m.run([&] { truncate_file(m.k, 0, 0); });
  EXPECT_EQ(mount().used_pages, 1);
}

TEST_F(Tmpfs, AMemfdHasNoLimit) {
  write(500);
  EXPECT_FALSE(refusal());
  EXPECT_TRUE(m.host.mounts.empty());
}

TEST_F(Tmpfs, WhatTheTargetDoesNotKnowHasNoLimit) {
  lie_on("/run/user");
  write(500);
  EXPECT_FALSE(refusal());
  EXPECT_EQ(mount().path, "/run/user");
  EXPECT_EQ(mount().peak_pages, 500);
}

TEST_F(Tmpfs, AFileTakesItsPagesAlong) {
  write(70);
  lie_on("/dev/shm");
  EXPECT_EQ(mount().used_pages, 70);
  put_on_mount(m.host, m.host.files[0], host::kNoMount);
  EXPECT_EQ(mount().used_pages, 0);
}

}  // namespace
}  // namespace oomcast::mm
