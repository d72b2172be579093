// The auditor finds what is wrong. Each test corrupts a healthy host in one place: a canary for the recount.
#include "model/sim/auditor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/mm/lru.h"
#include "model/mm/mlock.h"
#include "model/mm/shrink_lists.h"
#include "model/mm/swap.h"
#include "tests/support/machine.h"

namespace oomcast::sim {
namespace {

using host::LruKindIndex;
using support::HostBuilder;
using support::Kswapd;
using support::Machine;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using namespace oomcast::literals;

// A host in the middle of things: touched, shared, swapped out and half-read pages.
struct Audit : testing::Test {
  Audit() {
    m.touch(app, 0, 200);
    for (int pass = 0; pass < 12; ++pass) {
      m.run([&] {
        mm::SwapPlug plug(m.k);
        mm::ScanControl sc;
        for (int i = 0; i < 3; ++i) mm::shrink_inactive_list(m.k, 0, host::kRootCgroup, 32, false, sc);
        plug.flush();
      });
      m.pass(1_s);
    }
    m.run([&] { mm::copy_address_space(m.k, app, child); });
    m.touch(app, 300, 20);
    EXPECT_GT(m.process(app).swap_entries, 0);
    EXPECT_THAT(m.audit(), IsEmpty());
  }
  host::PageId mapped() {
    for (uint64_t vpn = 0; vpn < 400; ++vpn) {
      if (m.in_memory(app, vpn)) return m.process(app).space.get(vpn).page();
    }
    return host::kNoPage;
  }
  host::SlotId slot() {
    for (uint64_t vpn = 0; vpn < 400; ++vpn) {
      if (m.swapped(app, vpn)) return m.process(app).space.get(vpn).slot();
    }
    return host::kNoSlot;
  }
  void expect_fault(const char* words) { EXPECT_THAT(m.audit(), Contains(HasSubstr(words))); }

  Machine m{HostBuilder()
                .plain_node(20000_pages)
                .page_cache(500_pages)
                .process(50, "idle", to_bytes(16_pages))
                .swap(64_MiB)
                .build(),
            Kswapd::kAbsent};
  host::ProcessIndex app = m.start(100), child = m.start(101);
};

TEST_F(Audit, FindsAPageThatWasFreedTwice) {
  ++m.zone().free;
  expect_fault("free + parked + used changed");
}

TEST_F(Audit, FindsMoreFreePagesForCmaThanAreFree) {
  m.zone().free_cma = m.zone().free + 1;
  expect_fault("free pages for CMA");
  m.zone().free_cma = -1;
  expect_fault("free pages for CMA");
}

TEST_F(Audit, FindsAUsedPageThatNobodyHas) {
  ++m.zone().used;
  --m.zone().free;
  expect_fault("used pages");
}

TEST_F(Audit, FindsNegativeFreePages) {
  m.zone().used += m.zone().free + 1;
  m.zone().free = -1;
  expect_fault("free is negative");
}

TEST_F(Audit, FindsAPageOnNoList) {
  const host::PageId id = mapped();
  m.lru_drain();
  mm::take_off_list(m.k, id);
  expect_fault("is in 0 places");
}

TEST_F(Audit, FindsAPageOnAListThatItDoesNotName) {
  const host::PageId id = mapped();
  m.lru_drain();
  m.host.pages[id].list = LruKindIndex::kActiveFile;
  expect_fault("on a list that it does not name");
}

TEST_F(Audit, FindsAMapperTooMany) {
  ++m.host.pages[mapped()].mapcount;
  expect_fault("mappers but mapcount");
}

TEST_F(Audit, FindsAWrongResidentCount) {
  ++m.process(app).rss_anon;
  expect_fault("pages but counts");
}

TEST_F(Audit, FindsAWrongSwapCount) {
  --m.process(app).swap_entries;
  expect_fault("swap entries but counts");
}

TEST_F(Audit, FindsAPartOfAHugePageThatIsNotHeldBack) {
  m.host.partly_mapped[{app, 0}].held.push_back(mapped());
  expect_fault("holds a page that is not held back");
  expect_fault("1 pages of huge pages are held back, 0 were found");
}

// The first 100 pages are locked.
struct AuditLocks : Audit {
  AuditLocks() {
    m.process(app).space.map(0, 100 << kPageShift, support::anonymous());
    m.run([&] { mm::lock_range(m.k, app, 0, 100 << kPageShift, host::LockMode::kLocked); });
    m.lru_drain();
    EXPECT_EQ(m.host.guest_locked, 100);
    EXPECT_THAT(m.audit(), IsEmpty());
  }
  host::Page& locked() { return m.host.pages[m.process(app).space.get(5).page()]; }
};

TEST_F(AuditLocks, FindsALockedPageOnAListThatReclaimScans) {
  const host::PageId id = m.process(app).space.get(5).page();
  mm::take_off_list(m.k, id);
  locked().clear(host::kPageMlocked);
  mm::put_on_list(m.k, id, LruKindIndex::kInactiveAnon);
  locked().set(host::kPageMlocked);
  expect_fault("is locked and on a list that reclaim looks at");
}

TEST_F(AuditLocks, FindsAnUnevictablePageThatIsNotLocked) {
  locked().clear(host::kPageMlocked);
  expect_fault("is unevictable, but nobody has locked it");
  expect_fault("of a locked mapping is not");
}

TEST_F(AuditLocks, FindsAPageThatIsLockedByNoMapping) {
  m.process(app).space.change(0, 100 << kPageShift, [](auto& mapping) { mapping.lock = host::LockMode::kNone; });
  expect_fault("is locked by no mapping");
}

TEST_F(AuditLocks, FindsWrongCounts) {
  ++m.host.guest_locked;
  expect_fault("counts 101 locked pages, 100 were found");
  --m.host.guest_locked;
  ++m.process(app).space.locked_pages;
  expect_fault("counts 101 pages of locked mappings, 100 were found");
  --m.process(app).space.locked_pages;
  ++m.zone().mlocked;
  EXPECT_FALSE(m.audit().empty());
}

TEST_F(Audit, FindsALostPage) {
  m.process(app).space.set(5000, host::Pte::none());
  const host::PageId id = mapped();
  m.lru_drain();
  mm::take_off_list(m.k, id);
  m.host.pages.destroy(id);
  expect_fault("maps a page that is gone");
}

TEST_F(Audit, FindsASwapEntryWhoseSlotIsFree) {
  m.host.device(slot()).release(slot());
  expect_fault("holds a swap entry that is free");
}

TEST_F(Audit, FindsASlotThatNobodyNeeds) {
  m.host.swaps[0].take(static_cast<uint32_t>(m.host.swaps[0].total() - 1));
  expect_fault("swap slots are taken by nobody");
}

TEST_F(Audit, FindsASwapCachePageWhoseSlotKnowsNothingOfIt) {
  m.read(app, 0, 1);
  const host::PageId id = m.process(app).space.get(0).page();
  ASSERT_TRUE(m.host.pages[id].has(host::kPageSwapCache));
  m.host.slot(m.host.pages[id].slot).page = host::kNoPage;
  expect_fault("swap slot disagree");
}

TEST_F(Audit, FindsAPageTableThatWasLeaked) {
  m.process(app).table_pages_at.pop_back();
  expect_fault("used pages");
}

TEST_F(Audit, SaysNoMoreThanTwentySentences) {
  for (int i = 0; i < 100; ++i) ++m.host.pages[mapped()].mapcount;
  for (host::PageId id = 0; id < m.host.pages.size(); ++id) ++m.host.pages[id].mapcount;
  EXPECT_LE(m.audit().size(), 20u);
}

}  // namespace
}  // namespace oomcast::sim
