// The auditor finds what is wrong with zswap's books. Each test corrupts a healthy host in one place.
#include "model/sim/audit_zswap.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/zswap_machine.h"

namespace oomcast::sim {
namespace {

using host::Zpool;
using support::zswap_host;
using support::ZswapMachine;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

struct AuditZswap : testing::Test {
  AuditZswap() {
    m.process(m.app).cgroup = m.host.app_cgroup;
    m.touch(m.app, 0, 400);
    EXPECT_GT(m.host.zswap.stored, 0);
    EXPECT_THAT(m.audit(), IsEmpty());
  }
  static host::HostSpec spec() {
    host::HostSpec spec = zswap_host(Zpool::kZbud);
    spec.cgroup.present = true;
    spec.cgroup.memory_max = 300 * kPageBytes;
    return spec;
  }
  void expect_fault(const char* words) { EXPECT_THAT(m.audit(), Contains(HasSubstr(words))); }
  ZswapMachine m{spec()};
};

TEST_F(AuditZswap, APoolPageThatNobodyHasIsMissed) {
  m.host.zswap.slab.pop_back();
  expect_fault("used pages");
}

TEST_F(AuditZswap, AnEntryThatIsGoneFromItsPageIsFound) {
  m.host.zswap.pool.pages[m.host.zswap.entries.begin()->second.pool_page].slots.clear();
  expect_fault("zswap's pool has no entry of slot");
}

TEST_F(AuditZswap, EntriesAreCountedAgain) {
  ++m.host.zswap.stored;
  expect_fault("zswap counts");
}

TEST_F(AuditZswap, WhatAGroupIsChargedIsAddedUpAgain) {
  m.host.cgroups[m.host.app_cgroup].zswap_bytes += 5;
  expect_fault("memory.zswap.current counts");
}

}  // namespace
}  // namespace oomcast::sim
