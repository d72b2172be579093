// How a process is tracked decides what the library in it asks the recorder about.
#include "preload/record/guest/guest_process.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include "preload/record/guest/process_table.h"
#include "tests/preload/record/fake_channel.h"
#include "tests/preload/record/fake_memory.h"

namespace oomcast::record {
namespace {

class GuestProcessTest : public testing::Test {
 protected:
  GuestProcessTest() : process(1000) {
    auto fake = std::make_unique<FakeMemory>();
    memory = fake.get();
    process.memory = std::move(fake);
    process.shared = std::make_unique<SharedMapping>(
        ::mmap(nullptr, sizeof(ring::SharedArea), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  }
  uint64_t asks_before_free() const { return (*process.shared)->ask_before_free_bytes.load(); }
  bool asks_before_use() const { return (*process.shared)->ask_before_use.load() != 0; }

  Process process;
  FakeMemory* memory = nullptr;
};

TEST_F(GuestProcessTest, AHeldProcessAsksBeforeUseAndNeverBeforeItFrees) {
  process.tracker = TrackerKind::kUserfaultfd;
  process.exact = true;
  publish_ask_thresholds(process, false);
  EXPECT_TRUE(asks_before_use());
  EXPECT_EQ(asks_before_free(), UINT64_MAX) << "the kernel reports frees";
}

TEST_F(GuestProcessTest, InThePollingPhaseAProcessAsksBeforeItFreesAMebibyte) {
  process.tracker = TrackerKind::kUserfaultfd;
  publish_ask_thresholds(process, false);
  EXPECT_FALSE(asks_before_use());
  EXPECT_EQ(asks_before_free(), 1u << 20);
}

TEST_F(GuestProcessTest, AProcessThatIsOnlyPolledAsksBeforeItFrees64KiB) {
  publish_ask_thresholds(process, false);
  EXPECT_FALSE(asks_before_use());
  EXPECT_EQ(asks_before_free(), 64u << 10);
}

TEST_F(GuestProcessTest, WhereMemoryMayBeRefusedEachProcessAsksBeforeUse) {
  publish_ask_thresholds(process, true);
  EXPECT_TRUE(asks_before_use());
}

TEST_F(GuestProcessTest, FaultsOfThisMachineAreChargedOnce) {
  process.native.cpu_ns = 100;
  EXPECT_EQ(take_native_faults(process, 70), 70u);
  EXPECT_EQ(take_native_faults(process, 70), 30u);
  EXPECT_EQ(take_native_faults(process, 70), 0u);
}

TEST_F(GuestProcessTest, TheAddressSpaceOfAPolledProcessLivesAsItsFilesSay) {
  EXPECT_TRUE(memory_lives(process));
  memory->alive = false;
  EXPECT_FALSE(memory_lives(process));
  process.fault_fd = OptionalChannel(std::make_unique<FakeChannel>());
  EXPECT_TRUE(memory_lives(process)) << "the end of a held process shows in its userfaultfd";
}

TEST_F(GuestProcessTest, PrefilledPagesAreThoseOfWalksThatGoOnAndOfThoseThatStopped) {
  process.pages.become(PageBit::kPrefilled, 0x1000);
  process.pages.become(PageBit::kPrefilledArmed, 0x2000);
  process.pages.touch(0x3000);
  EXPECT_EQ(process.prefilled_pages(), 2u);
}

TEST(ProcessTable, FindsByPidAndReplacesOneOfTheSamePid) {
  ProcessTable table;
  EXPECT_TRUE(table.empty());
  table.add(std::make_unique<Process>(7)).comm = "first";
  table.add(std::make_unique<Process>(7)).comm = "second";
  ASSERT_NE(table.find(7), nullptr);
  EXPECT_EQ(table.find(7)->comm, "second");
  EXPECT_EQ(table.size(), 1u);
  table.erase(7);
  EXPECT_EQ(table.find(7), nullptr);
}

TEST(ProcessTable, ALoopOverPidsSurvivesThoseThatComeAndGo) {
  ProcessTable table;
  for (const uint32_t pid : {30u, 10u, 20u}) table.add(std::make_unique<Process>(pid));
  std::vector<uint32_t> met;
  for (auto at = table.begin(); at != table.end();) {
    const uint32_t pid = at->first;
    met.push_back(pid);
    if (pid == 10) {
      table.erase(10);
      table.erase(20);
      table.add(std::make_unique<Process>(40u));
    }
    at = table.upper_bound(pid);
  }
  EXPECT_EQ(met, (std::vector<uint32_t>{10, 30, 40}));
}

}  // namespace
}  // namespace oomcast::record
