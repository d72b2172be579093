// `--see-reads`: the program's uses of what the target has swapped out are seen, reads too, and the program never
// notices.
#include <gmock/gmock.h>

#include "tests/end_to_end/oomcast_run.h"

namespace oomcast::end_to_end {
namespace {

using testing::HasSubstr;
using testing::Not;

class SeeReads : public EndToEnd {
 protected:
  static constexpr const char* kGuests = OOMCAST_BINARY_DIR "/tests/guests/guest_";

  void SetUp() override {
    if (sh("$OOMCAST doctor").out.find("--see-reads (MOVE, EVENT_FORK): yes") == std::string::npos)
      GTEST_SKIP() << "needs Linux 6.8 and root";
    std::ofstream(at("host.json"))
        << R"({"schema":"oomcast.host.v1","kernel":"6.1","name":"swaps","nodes":[{"managed":"2G","free":"1500M","cpus":[0,1]}],"swap":[{"size":"1G"}]})";
  }
  std::string command(const std::string& limit, const std::string& options, const std::string& guest) const {
    return "$OOMCAST run --host host.json --prove 0 --quiet --cgroup memory.max=" + limit + " " + options + " -- " +
           kGuests + guest;
  }
  /// Runs the guest in the background and kills a process of the run once the stash has got its helper. `whom`:
  /// "$recorder" or "$helper".
  Finished kill_in_the_middle(const std::string& whom) const {
    return sh(command("8M", "--see-reads", "counts_updates 4 3000") +
              " >guest.out & recorder=$!\n"
              "helper_of() { for p in $(cat /proc/$1/task/*/children 2>/dev/null); do\n"
              "  [ \"$(cat /proc/$p/comm 2>/dev/null)\" = page-stash ] && echo $p; done; }\n"
              "guest= helper= tries=0\n"
              "while [ -z \"$helper\" ] && [ $tries -lt 500 ]; do tries=$((tries + 1)); sleep 0.02\n"
              "  for g in $(cat /proc/$recorder/task/*/children 2>/dev/null); do h=$(helper_of $g | head -n 1)\n"
              "    [ -n \"$h\" ] && guest=$g && helper=$h; done; done\n"
              "[ -n \"$helper\" ] || exit 9\n"
              "sleep 0.1; kill -9 " +
              whom +
              "\n"
              "while kill -0 $guest 2>/dev/null && ! grep -q State:.Z /proc/$guest/status; do sleep 0.05; done\n"
              "wait $recorder; cat guest.out");
  }
  uint64_t swap_ins() const { return report()["counters"]["pswpin"].get<uint64_t>(); }
};

TEST_F(SeeReads, MemoryThatIsReadAgainIsSwappedInAgain) {
  ASSERT_EQ(sh(command("16M", "", "reads_again 32 1")).status, 0);
  const uint64_t without = swap_ins();
  const Finished seen = sh(command("16M", "--see-reads", "reads_again 32 1"));
  EXPECT_EQ(seen.status, 0) << seen.err;
  EXPECT_THAT(seen.out, HasSubstr("0 pages are wrong"));
  // 8192 pages, of which half at most fit: an LRU list has none of them when they come round again.
  EXPECT_LT(without, 500u);
  EXPECT_GT(swap_ins(), 4000u);
  EXPECT_THAT(report()["coverage"]["caveats"].dump(), HasSubstr("reads too"));
}

TEST_F(SeeReads, NoUpdateIsLostWhileThreadsForkMoveAndGiveBack) {
  const Finished done = sh(command("8M", "--see-reads", "counts_updates 2 3000"));
  EXPECT_EQ(done.status, 0) << done.out << done.err;
  EXPECT_THAT(done.out, HasSubstr("all there"));
  EXPECT_GT(swap_ins(), 1000u);
}

// What keeps every page where it is: a thread inside of mremap() that waits for a page before its event can be read.
TEST_F(SeeReads, LockedMemoryThatIsMovedHoldsNobody) {
  for (int i = 0; i < 5; ++i) {
    const Finished done =
        sh("timeout -s KILL 60 $OOMCAST run --host small-512m --prove 0 --quiet --see-reads --tracker userfaultfd -- " +
           std::string(kGuests) + "locks_and_moves");
    EXPECT_EQ(done.status, 0) << done.out << done.err;
  }
}

TEST_F(SeeReads, AProgramThatExecsAStaticOneIsFollowed) {
  const Finished done = sh(command("16M", "--see-reads", "reads_again 32 1") +
                           " && $OOMCAST run --host host.json --prove 0 --quiet "
                           "--tracker userfaultfd --see-reads -- sh -c 'x=$(true); exec " +
                           std::string(kGuests) + "static_worker touch=24 exit=7'");
  EXPECT_EQ(done.status, 7) << done.err;
  EXPECT_THAT(report()["app"]["processes"].dump(), HasSubstr("guest_static_wo"));
  EXPECT_THAT(report()["coverage"]["caveats"].dump(), Not(HasSubstr("still running")));
}

TEST_F(SeeReads, ARecorderThatIsKilledLeavesTheProgramItsMemory) {
  const Finished done = kill_in_the_middle("$recorder");
  EXPECT_THAT(done.out, HasSubstr("all there")) << done.status << done.err;
}

TEST_F(SeeReads, AHelperThatIsKilledLeavesTheProgramItsMemory) {
  const Finished done = kill_in_the_middle("$helper");
  EXPECT_THAT(done.out, HasSubstr("all there")) << done.status << done.err;
  EXPECT_THAT(done.err, HasSubstr("oomcast: warning: process"))
      << "a loss is logged at the default level, --quiet or not";
  EXPECT_THAT(done.err, HasSubstr("the helper of its stash has ended"));
  EXPECT_THAT(report()["coverage"]["caveats"].dump(), HasSubstr("was killed"));
}

}  // namespace
}  // namespace oomcast::end_to_end
