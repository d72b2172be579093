// The vectors of the kernel's own arithmetic: some computed from the sources, most read off live machines.
#include "model/spec/watermarks.h"

#include <gtest/gtest.h>
#include <oomcast_paths.h>

#include "model/spec/read_host.h"

namespace oomcast::host {
namespace {

ZoneSpec zone(ZoneKind kind, int64_t managed) {
  ZoneSpec spec;
  spec.kind = kind;
  spec.managed = spec.present = Pages(managed);
  return spec;
}

HostSpec machine(std::vector<std::vector<ZoneSpec>> nodes, KernelVersion kernel = {6, 1}) {
  HostSpec spec;
  spec.kernel = kernel;
  int id = 0;
  for (auto& zones : nodes) {
    NodeSpec node;
    node.id = NodeId{id};
    node.cpus = {id};
    node.zones = zones;
    spec.cpus.push_back(id++);
    spec.nodes.push_back(node);
  }
  return spec;
}

const Watermarks& marks(const HostSpec& spec, size_t node, size_t index) {
  return spec.nodes[node].zones[index].watermarks;
}
Watermarks mark(int64_t min, int64_t low, int64_t high) { return {Pages(min), Pages(low), Pages(high)}; }

std::vector<int64_t> reserve(const HostSpec& spec, size_t node, size_t index) {
  std::vector<int64_t> columns;
  for (size_t i = 0; i < 4; ++i) columns.push_back(spec.nodes[node].zones[index].lowmem_reserve[i].count());
  return columns;
}

using Columns = std::vector<int64_t>;
constexpr ZoneKind kDma = ZoneKind::kDma, kDma32 = ZoneKind::kDma32, kNormal = ZoneKind::kNormal,
                   kMovable = ZoneKind::kMovable;

// mm/page_alloc.c of 4.4: low and high stand a quarter and a half of the min mark above it, however large the zone.
TEST(Marks, Before46FollowTheMinMarkAlone) {
  HostSpec spec = machine({{zone(kDma32, 466896)}}, {3, 10});
  spec.vm.min_free_kbytes = 44672;
  setup_watermarks(spec);
  EXPECT_EQ(marks(spec, 0, 0), mark(11168, 13960, 16752)) << "as a host with 3.10 printed them";
  HostSpec large = machine({{zone(kNormal, 16 << 20)}}, {4, 4});
  large.vm.min_free_kbytes = 65536;
  setup_watermarks(large);
  EXPECT_EQ(marks(large, 0, 0), mark(16384, 20480, 24576));
  large.kernel = {4, 6};
  setup_watermarks(large);
  EXPECT_EQ(marks(large, 0, 0), mark(16384, 33161, 49938)) << "a thousandth of the zone from 4.6 on";
}

TEST(MinFree, IsAtMost64MiBBefore57) {
  HostSpec spec = machine({{zone(kNormal, 128 << 20)}}, {5, 4});
  EXPECT_EQ(default_min_free_kbytes(spec), 65536);
  spec.kernel = {5, 10};
  EXPECT_GT(default_min_free_kbytes(spec), 65536);
}

TEST(MinFree, TurningHugePagesOffAndOnLeavesAnotherValueThanBoot61) {
  HostSpec spec = machine({{zone(kDma, 3840), zone(kDma32, 124819)}, {zone(kDma32, 120520)}});
  spec.vm.min_free_kbytes = 49036;
  setup_watermarks(spec);
  spec.vm.thp_enabled = ThpMode::kNever;
  spec.vm.min_free_kbytes = recommended_min_free_kbytes(spec);
  EXPECT_EQ(spec.vm.min_free_kbytes, 3843);
  setup_watermarks(spec);
  spec.vm.thp_enabled = ThpMode::kAlways;
  EXPECT_EQ(recommended_min_free_kbytes(spec), 49544);
}

TEST(MinFree, TurningHugePagesOffAndOnLeavesAnotherValueThanBoot612) {
  HostSpec spec = machine({{zone(kDma, 3840), zone(kDma32, 115401)}, {zone(kDma32, 128615)}}, {6, 12});
  spec.vm.min_free_kbytes = 48832;
  setup_watermarks(spec);
  EXPECT_EQ(default_min_free_kbytes(spec), 3832);
  spec.vm.min_free_kbytes = 3832;
  setup_watermarks(spec);
  EXPECT_EQ(recommended_min_free_kbytes(spec), 49280);
}

TEST(MinFree, HugePagesAskForTheFamiliar67584OnThreeZones) {
  HostSpec spec = machine({{zone(kDma, 3840), zone(kDma32, 760000), zone(kNormal, 230000)}});
  EXPECT_EQ(default_min_free_kbytes(spec), 7975);
  EXPECT_EQ(boot_min_free_kbytes(spec), 67584);
}

TEST(MinFree, StaysWithinTheClampOfTheSquareRoot) {
  HostSpec tiny = machine({{zone(kDma, 20)}});
  tiny.vm.thp_enabled = ThpMode::kNever;
  EXPECT_EQ(boot_min_free_kbytes(tiny), 128);
  HostSpec huge = machine({{zone(kNormal, int64_t{1} << 33)}});
  huge.vm.thp_enabled = ThpMode::kNever;
  EXPECT_EQ(boot_min_free_kbytes(huge), 262144);
}

TEST(Watermarks, OneNodeOf21GiBAsReadOffALiveHost) {
  HostSpec spec = machine({{zone(kDma, 3840), zone(kDma32, 772918), zone(kNormal, 4718592)}});
  spec.vm.min_free_kbytes = 67584;
  setup_watermarks(spec);
  setup_lowmem_reserve(spec);
  EXPECT_EQ(marks(spec, 0, 0), mark(11, 14, 17));
  EXPECT_EQ(marks(spec, 0, 1), mark(2376, 3148, 3920));
  EXPECT_EQ(marks(spec, 0, 2), mark(14507, 19225, 23943));
  EXPECT_EQ(reserve(spec, 0, 0), (Columns{0, 3019, 21451, 21451}));
  EXPECT_EQ(reserve(spec, 0, 1), (Columns{0, 0, 18432, 18432}));
  EXPECT_EQ(reserve(spec, 0, 2), (Columns{0, 0, 0, 0}));
}

TEST(Watermarks, OneNodeOf4GiBFromBoot) {
  HostSpec spec = machine({{zone(kDma, 3840), zone(kDma32, 760000), zone(kNormal, 230000)}});
  setup_watermarks(spec);
  setup_lowmem_reserve(spec);
  EXPECT_EQ(marks(spec, 0, 0), mark(65, 81, 97));
  EXPECT_EQ(marks(spec, 0, 1), mark(12920, 16150, 19380));
  EXPECT_EQ(marks(spec, 0, 2), mark(3910, 4887, 5864));
  EXPECT_EQ(reserve(spec, 0, 0), (Columns{0, 2968, 3867, 3867}));
  EXPECT_EQ(reserve(spec, 0, 1), (Columns{0, 0, 898, 898}));
}

TEST(Watermarks, TwoNodesOf32GiBFromBoot) {
  HostSpec spec = machine({{zone(kDma, 3840), zone(kDma32, 750000), zone(kNormal, 7400000)}, {zone(kNormal, 8250000)}});
  EXPECT_EQ(default_min_free_kbytes(spec), 32401);
  EXPECT_EQ(boot_min_free_kbytes(spec), 90112);
  setup_watermarks(spec);
  setup_lowmem_reserve(spec);
  EXPECT_EQ(marks(spec, 0, 0), mark(5, 8, 11));
  EXPECT_EQ(marks(spec, 0, 1), mark(1030, 1780, 2530));
  EXPECT_EQ(marks(spec, 0, 2), mark(10162, 17562, 24962));
  EXPECT_EQ(marks(spec, 1, 0), mark(11330, 19580, 27830));
  EXPECT_EQ(reserve(spec, 0, 0), (Columns{0, 2929, 31835, 31835}));
  EXPECT_EQ(reserve(spec, 0, 1), (Columns{0, 0, 28906, 28906}));
  EXPECT_EQ(reserve(spec, 1, 0), (Columns{0, 0, 0, 0}));
}

HostSpec with_movable(KernelVersion kernel) {
  return machine({{zone(kDma, 3840), zone(kDma32, 750000), zone(kNormal, 7400000)},
                  {zone(kNormal, 4100000), zone(kMovable, 4194304)}},
                 kernel);
}

TEST(Watermarks, AMovableZoneTakesItsShareUnder61) {
  HostSpec spec = with_movable({6, 1});
  EXPECT_EQ(default_min_free_kbytes(spec), 28004);
  EXPECT_EQ(boot_min_free_kbytes(spec), 90112);
  setup_watermarks(spec);
  setup_lowmem_reserve(spec);
  EXPECT_EQ(marks(spec, 1, 0), mark(5615, 9715, 13815));
  EXPECT_EQ(marks(spec, 1, 1), mark(5744, 9938, 14132));
  EXPECT_EQ(reserve(spec, 1, 0), (Columns{0, 0, 0, 131072}));
}

TEST(Watermarks, AMovableZoneKeepsAtMost128PagesUnder612) {
  HostSpec spec = with_movable({6, 12});
  setup_watermarks(spec);
  setup_lowmem_reserve(spec);
  EXPECT_EQ(marks(spec, 1, 0), mark(7537, 11637, 15737));
  // The gap above min comes from the scale factor, as in any other zone.
  EXPECT_EQ(marks(spec, 1, 1), mark(128, 4322, 8516));
  EXPECT_EQ(reserve(spec, 1, 0), (Columns{0, 0, 0, 131072}));
}

TEST(Watermarks, ARecomputationClearsTheBoost) {
  HostSpec spec = machine({{zone(kNormal, 100000)}});
  spec.nodes[0].zones[0].boost = Pages(512);
  setup_watermarks(spec);
  EXPECT_EQ(spec.nodes[0].zones[0].boost, Pages(0));
}

TEST(LowmemReserve, ARatioOfZeroReservesNothing) {
  HostSpec spec = machine({{zone(kDma, 3840), zone(kNormal, 100000)}});
  spec.vm.lowmem_reserve_ratio[0] = 0;
  setup_lowmem_reserve(spec);
  EXPECT_EQ(reserve(spec, 0, 0), (Columns{0, 0, 0, 0}));
}

TEST(Pcp, BatchFollowsTheSizeOfTheZone) {
  const std::pair<int64_t, int64_t> vectors[] = {{3840, 1},    {30000, 7},   {60000, 15},  {124819, 31},
                                                 {200000, 63}, {262144, 63}, {4718592, 63}};
  for (const auto& [managed, batch] : vectors) EXPECT_EQ(pcp_batch(Pages(managed)), Pages(batch)) << managed;
}

TEST(Pcp, TheCpusOfANodeShareItsLowMark) {
  HostSpec spec = machine({{zone(kDma, 3840), zone(kDma32, 124819)}, {zone(kDma32, 120520)}});
  spec.vm.min_free_kbytes = 49540;
  setup_watermarks(spec);
  setup_pcp(spec);
  ASSERT_EQ(marks(spec, 0, 1), mark(6203, 7753, 9303));
  ASSERT_EQ(spec.nodes[0].zones[1].pcp.size(), 2u);
  EXPECT_EQ(spec.nodes[0].zones[1].pcp[0].high, Pages(7753));
  EXPECT_EQ(spec.nodes[0].zones[1].pcp[1].high, Pages(7753));
}

TEST(Pcp, ANodeWithoutCpusIsSharedByAll) {
  HostSpec spec = machine({{zone(kNormal, 1000000)}, {zone(kNormal, 1000000)}});
  spec.cpus = {0, 1, 2, 3};
  spec.nodes[0].cpus = {0, 1, 2, 3};
  spec.nodes[1].cpus = {};
  setup_watermarks(spec);
  setup_pcp(spec);
  EXPECT_EQ(spec.nodes[1].zones[0].pcp[0].high, marks(spec, 1, 0).low / 4);
}

TEST(Pcp, TheFractionReplacesTheLowMark) {
  HostSpec spec = machine({{zone(kNormal, 1000000)}});
  spec.vm.percpu_pagelist_high_fraction = 8;
  setup_watermarks(spec);
  setup_pcp(spec);
  EXPECT_EQ(spec.nodes[0].zones[0].pcp[0].high, Pages(125000));
}

TEST(StatThreshold, GrowsWithCpusAndMemoryUpTo125) {
  EXPECT_EQ(stat_threshold(Pages(3840), 2), Pages(4));
  EXPECT_EQ(stat_threshold(Pages(124819), 2), Pages(12));
  EXPECT_EQ(stat_threshold(Pages(4718592), 2), Pages(36));
  EXPECT_EQ(stat_threshold(Pages(7400000), 32), Pages(108));
  EXPECT_EQ(stat_threshold(Pages(7400000), 128), Pages(125));
}

// A write to a sysctl made these kernels recompute: the rules have to give what zoneinfo then showed.
class Recomputed : public testing::TestWithParam<const char*> {};

TEST_P(Recomputed, TheRulesGiveWhatTheKernelShowed) {
  const auto read = read_snapshot(std::string(OOMCAST_SOURCE_DIR) + "/tests/data/hosts/" + GetParam());
  ASSERT_TRUE(read) << read.error().message;
  HostSpec computed = read.value();
  setup_watermarks(computed);
  setup_lowmem_reserve(computed);
  setup_pcp(computed);
  for (size_t z = 0; z < computed.nodes[0].zones.size(); ++z) {
    const ZoneSpec &shown = read->nodes[0].zones[z], &ours = computed.nodes[0].zones[z];
    EXPECT_EQ(ours.watermarks, shown.watermarks);
    EXPECT_EQ(ours.lowmem_reserve, shown.lowmem_reserve);
    EXPECT_EQ(stat_threshold(shown.managed, 2), shown.stat_threshold);
    for (size_t c = 0; c < shown.pcp.size(); ++c) {
      EXPECT_EQ(ours.pcp[c].high, shown.pcp[c].high);
      EXPECT_EQ(ours.pcp[c].batch, shown.pcp[c].batch);
    }
  }
}
INSTANTIATE_TEST_SUITE_P(Snapshots, Recomputed, testing::Values("minfree-64m", "wsf-500"));

}  // namespace
}  // namespace oomcast::host
