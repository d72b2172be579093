// Tests that each touched page counts for the code that asked for it, or at least for its kind of memory.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "tests/preload/record/recording_sink.h"

namespace oomcast::record {
namespace {

constexpr double kMiB = 1 << 20;

struct Sites {
  trace::CaptureSummary summary;
  std::map<std::string, double> mib;        // by kind
  std::map<std::string, std::string> main;  // by kind: the stack of its largest site
};

Sites record_sites(const std::string& guest_name, bool polled) {
  RecordingSink sink;
  sink.headroom = uint64_t{1} << 30;
  RecordOptions options;
  options.command = {guest(guest_name)};
  options.begin_in_polling_phase = polled;
  auto summary = run(options, sink);
  if (!summary.ok()) return {};
  Sites out{std::move(summary).value(), {}, {}};
  std::map<uint32_t, double> touched;
  for (const trace::Event& e : sink.events)
    if (e.kind == trace::EventKind::kTouch && (e.flags & (trace::kWrite | trace::kPresent)))
      touched[e.stack_id] += static_cast<double>(e.bytes) / kMiB;
  std::map<std::string, double> most;
  for (const auto& [id, mib] : touched) {
    const std::string kind = id == 0 ? "unsampled" : out.summary.site_kinds.at(id - 1);
    out.mib[kind] += mib;
    if (mib <= most[kind]) continue;
    most[kind] = mib;
    out.main[kind].clear();
    if (id != 0)
      for (const std::string& frame : out.summary.stacks.at(id - 1)) out.main[kind] += frame + "\n";
  }
  return out;
}

class SitesOf : public testing::TestWithParam<bool> {};

TEST_P(SitesOf, EachKindOfMemoryIsKeptApart) {
  if (!probe().userfaultfd || !probe().pagemap_scan) GTEST_SKIP() << "no tracker can run here";
  Sites sites = record_sites("all_kinds", GetParam());
  ASSERT_TRUE(sites.summary.exited);
  // Polled, a part of what is touched between two scans has no known place: more of it on a busy machine.
  const double unplaced = GetParam() ? 6 : 0.5;
  EXPECT_NEAR(sites.mib["mmap"], 40, unplaced);
  EXPECT_NEAR(sites.mib["heap"], 4, GetParam() ? 1 : 0.5);
  EXPECT_NEAR(sites.mib["shared"], 3, 0.3);
  // What a thread touches before its maker has returned from pthread_create() is unattributed yet.
  EXPECT_GT(sites.mib["stack"] + sites.mib["unsampled"], 0.3);
  EXPECT_LT(sites.mib["stack"] + sites.mib["unsampled"], 2.5 + unplaced);
  EXPECT_NEAR(sites.mib["file"], 1, 0.4);
  EXPECT_NE(sites.main["mmap"].find("fill_mapping"), std::string::npos) << sites.main["mmap"];
  EXPECT_NE(sites.main["heap"].find("allocate_small"), std::string::npos) << sites.main["heap"];
  for (const auto& [kind, stack] : sites.main) {
    EXPECT_EQ(stack.find("_hooks.cc"), std::string::npos) << stack;
    EXPECT_EQ(stack.find("stack_sample"), std::string::npos) << stack;
  }
}

INSTANTIATE_TEST_SUITE_P(Held, SitesOf, testing::Values(false));
INSTANTIATE_TEST_SUITE_P(Polled, SitesOf, testing::Values(true));

}  // namespace
}  // namespace oomcast::record
