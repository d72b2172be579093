// A host that is short takes from the group that is furthest above its soft limit first.
#include "model/mm/soft_limit.h"

#include <gtest/gtest.h>

#include "tests/support/machine.h"

namespace oomcast::mm {
namespace {

using support::HostBuilder;
using support::Kswapd;
using support::Machine;
using namespace oomcast::literals;

host::CgroupSpec group(const char* path, int64_t soft_limit) {
  host::CgroupSpec spec;
  spec.present = spec.v1 = true;
  spec.path = path;
  spec.memory_soft_limit = soft_limit;
  return spec;
}

// Two groups of 2000 pages each on a host with swap: the one may have 1000 pages, the other as many as it likes.
struct TwoGroups {
  explicit TwoGroups(int64_t soft_limit_of_other = -1)
      : m(spec_of(soft_limit_of_other), Kswapd::kAbsent), modest(m.start(100)), other(m.start(200)) {
    m.process(modest).cgroup = 1;
    m.process(other).cgroup = 2;
    m.touch(modest, 0, 2000);
    m.touch(other, 0, 2000);
  }
  static host::HostSpec spec_of(int64_t soft_limit_of_other) {
    auto spec = HostBuilder().plain_node(20000_pages).swap(64_MiB).build();
    spec.cgroups = {group("/modest", 1000 * kPageBytes), group("/other", soft_limit_of_other)};
    return spec;
  }
  ScanControl reclaim(bool by_kswapd = false) {
    ScanControl sc;
    sc.by_kswapd = by_kswapd;
    m.run([&] {
      soft_limit_reclaim(m.k, 0, sc);
      m.sched.point();
    });
    m.pass(50_ms);
    return sc;
  }
  ~TwoGroups() { EXPECT_EQ(m.audit(), std::vector<std::string>{}); }
  Machine m;
  host::ProcessIndex modest, other;
};

TEST(SoftLimit, TheGroupAboveItGivesAndTheOtherKeepsItsPages) {
  TwoGroups t;
  t.reclaim();
  t.reclaim();
  EXPECT_GT(t.m.process(t.modest).swap_entries, 0);
  EXPECT_EQ(t.m.process(t.other).swap_entries, 0);
}

TEST(SoftLimit, TheLargerExcessComesFirst) {
  TwoGroups t{500 * kPageBytes};
  t.reclaim();
  EXPECT_GT(t.m.process(t.other).swap_entries, 0);
  EXPECT_EQ(t.m.process(t.modest).swap_entries, 0);
}

TEST(SoftLimit, BelowItNothingIsTaken) {
  TwoGroups t;
  t.m.host.cgroups[1].soft_limit = host::kUnlimited;
  const ScanControl sc = t.reclaim();
  EXPECT_EQ(sc.nr_scanned, 0);
  EXPECT_EQ(sc.nr_reclaimed, 0);
}

TEST(SoftLimit, WhatKswapdScansForItDoesNotCountForItsPriority) {
  TwoGroups t;
  EXPECT_EQ(t.reclaim(true).nr_scanned, 0);
  EXPECT_GT(t.reclaim(false).nr_scanned, 0);
}

TEST(SoftLimit, TheMultiGenLruHasNone) {
  TwoGroups t;
  auto spec = TwoGroups::spec_of(-1);
  spec.lru = host::LruKind::kMultiGen;
  Machine m(spec, Kswapd::kAbsent);
  const auto app = m.start(100);
  m.process(app).cgroup = 1;
  m.touch(app, 0, 2000);
  ScanControl sc;
  m.run([&] { soft_limit_reclaim(m.k, 0, sc); });
  EXPECT_EQ(sc.nr_scanned, 0);
}

}  // namespace
}  // namespace oomcast::mm
