// Programs that would notice a careless recorder print, return and find in errno what they do alone: polled, held, on
// a short target, and with the library alone. `scripts/robustness guests` tries more of them, in more ways and more
// often.
#include <gmock/gmock.h>

#include <string>
#include <tuple>

#include "tests/end_to_end/oomcast_run.h"

namespace oomcast::end_to_end {
namespace {

constexpr const char* kGuests = "G=" OOMCAST_BINARY_DIR "/tests/guests/guest_\n";

using Case = std::tuple<const char*, const char*>;  // the guest's line; how it is watched

class Unnoticed : public EndToEnd, public testing::WithParamInterface<Case> {
 protected:
  Finished alone(const std::string& line) const { return sh(kGuests + line); }
  Finished watched(const std::string& line, const std::string& how) const {
    return sh(kGuests + ("$OOMCAST run -q " + how + " --report r.json -- " + line));
  }
  Finished with_library_alone(const std::string& line) const {
    return sh(kGuests +
              ("OOMCAST_HOST=vm-1g OOMCAST_REPORT=r.json LD_PRELOAD=$LIBRARY GUEST_PRELOAD=$LIBRARY " + line));
  }
  bool holds_touches() const {
    return sh("$OOMCAST doctor").out.find("--tracker userfaultfd: yes") != std::string::npos;
  }
  /// Waits for the report, which an attached recorder writes after the program has ended.
  bool await_report() const {
    return sh("for i in $(seq 600); do [ -s r.json ] && exit 0; sleep 0.05; done; exit 1").status == 0;
  }
};

void expect_same(const Finished& watched, const Finished& alone) {
  EXPECT_EQ(watched.out, alone.out);
  EXPECT_EQ(watched.err, alone.err);
  EXPECT_EQ(watched.status, alone.status);
}

TEST_P(Unnoticed, EndsAndPrintsAsAlone) {
  const auto& [line, how] = GetParam();
  const Finished native = alone(line);
  for (int i = 0; i < 2; ++i) {
    expect_same(watched(line, how), native);
    EXPECT_EQ(report("r.json")["schema"], "oomcast.report.v1");
  }
}

INSTANTIATE_TEST_SUITE_P(
    Guests, Unnoticed,
    testing::Combine(testing::Values("${G}seals_itself filter", "${G}seals_itself syscall", "${G}seals_itself strict",
                                     "${G}seals_itself probe", "${G}seals_itself fork", "${G}bad_pointers",
                                     "${G}tiny_stacks 4", "${G}own_userfaultfd", "${G}reaches_memory",
                                     "${G}odd_descriptors", "${G}huge_page_word", "${G}drops_rights vfork",
                                     "${G}drops_rights chroot", "${G}drops_rights undumpable",
                                     "${G}few_descriptors 3 1", "${G}few_descriptors 0 1", "${G}own_allocator 8"),
                     testing::Values("--host vm-8g", "--host vm-8g --tracker userfaultfd", "--host tiny-256m")));

TEST_F(Unnoticed, AnOpenUnderAFilterShowsNoStandIn) {
  const Finished native = alone("${G}seals_itself opens");
  EXPECT_EQ(native.status, 5);
  expect_same(watched("${G}seals_itself opens", "--host vm-1g --present-host"), native);
}

// Its mmap() comes from inside of the allocator's one lock: asked for memory there, the allocator would wait for
// itself.
TEST_F(Unnoticed, AProgramsOwnAllocatorIsNotAskedForMemory) {
  const Finished native = alone("${G}own_allocator 8");
  EXPECT_EQ(native.out, "32\n");
  for (const char* how : {"--host vm-8g", "--host vm-8g --tracker userfaultfd", "--host vm-8g --stack-sample 4096"}) {
    expect_same(watched("timeout 60 ${G}own_allocator 8", how), native);
    EXPECT_GT(report("r.json")["app"]["footprint_peak_bytes"], 32 << 20) << how;
    EXPECT_THAT(report("r.json")["sites"].dump(), testing::HasSubstr("\"malloc")) << how << ": who has called mmap()";
  }
}

TEST_F(Unnoticed, SaysInTheReportToWhatItGaveWay) {
  if (!holds_touches()) GTEST_SKIP() << "no touch can be held here";
  watched("${G}own_userfaultfd", "--host vm-8g --tracker userfaultfd");
  const Json coverage = report("r.json")["coverage"];
  EXPECT_THAT(coverage["caveats"].dump(), testing::HasSubstr("userfaultfd of its own"));
}

TEST_F(Unnoticed, AChildOfAProgramThatGaveWayIsNotSaidToBeRefused) {
  if (!holds_touches()) GTEST_SKIP() << "no touch can be held here";
  EXPECT_EQ(watched("${G}gives_way forks", "--host vm-8g --tracker userfaultfd").status, 3);
  const Json coverage = report("r.json")["coverage"];
  EXPECT_THAT(coverage["caveats"].dump(), testing::HasSubstr("opened through /proc/PID/mem"));
  EXPECT_THAT(coverage["caveats"].dump(), testing::Not(testing::HasSubstr("refused a userfaultfd")));
}

TEST_F(Unnoticed, SaysThatAProgramIsTracedFromItsStart) {
  if (!holds_touches()) GTEST_SKIP() << "no touch can be held here";
  EXPECT_EQ(watched("${G}gives_way traces", "--host vm-8g --tracker userfaultfd").status, 3);
  const Json coverage = report("r.json")["coverage"];
  EXPECT_THAT(coverage["caveats"].dump(), testing::HasSubstr("sh (it is traced by another process of the run)"));
}

TEST_F(Unnoticed, AVforkChildsStatusIsNotTheProgramsOwn) {
  EXPECT_EQ(watched("${G}drops_rights vfork", "--host vm-8g").status, 5);
  EXPECT_EQ(report("r.json")["exit"]["code"], 5);
}

TEST_F(Unnoticed, AProgramThatAdoptsOrphansWaitsForItsOwnOnly) {
  const Finished native = alone("${G}waits_for_all ${G}waits_for_all");
  // The library is loaded by the second program, which is an adopter from its start.
  const Finished attached = with_library_alone("${G}waits_for_all env LD_PRELOAD=$LIBRARY ${G}waits_for_all");
  EXPECT_EQ(attached.out, native.out);
  EXPECT_EQ(attached.status, native.status);
  EXPECT_TRUE(await_report());
  expect_same(
      sh(kGuests +
         std::string(
             "OOMCAST_HOST=vm-1g OOMCAST_REPORT=s.json ${G}waits_for_all env LD_PRELOAD=$LIBRARY ${G}waits_for_all")),
      native);
}

TEST_F(Unnoticed, AllVariablesOfALargeEnvironmentArrive) {
  expect_same(with_library_alone("${G}many_variables"), alone("${G}many_variables"));
  EXPECT_TRUE(await_report());
}

}  // namespace
}  // namespace oomcast::end_to_end
