// The files of /proc say what a process has: here the test itself.
#include "preload/record/kernel/memory_view.h"

#include <gmock/gmock.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "preload/record/kernel/pages.h"

namespace oomcast::record {
namespace {

using testing::ElementsAre;
using testing::Pair;

class ProcMemoryTest : public testing::Test {
 protected:
  static constexpr uint64_t kPages = 16;
  ProcMemoryTest() : view(static_cast<uint32_t>(::getpid())) {
    memory = static_cast<volatile char*>(
        ::mmap(nullptr, kPages * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    ::madvise(const_cast<char*>(memory), kPages * kPage, MADV_NOHUGEPAGE);
  }
  ~ProcMemoryTest() override { ::munmap(const_cast<char*>(memory), kPages * kPage); }
  uint64_t at(uint64_t page) const { return reinterpret_cast<uint64_t>(memory) + page * kPage; }
  std::vector<PageRange> scan(ScanKind kind) const {
    std::vector<PageRange> found;
    EXPECT_EQ(view.scan(kind, at(0), at(kPages), [&](uint64_t from, uint64_t to) { found.emplace_back(from, to); }),
              at(kPages));
    return found;
  }

  ProcMemory view;
  volatile char* memory = nullptr;
};

TEST_F(ProcMemoryTest, ScansFindTheirKindOfPage) {
  memory[2 * kPage] = 1;
  memory[3 * kPage] = 1;
  EXPECT_THAT(scan(ScanKind::kResident), ElementsAre(Pair(at(2), at(4))));
  EXPECT_THAT(scan(ScanKind::kAnonymous), ElementsAre(Pair(at(2), at(4))));
  EXPECT_THAT(scan(ScanKind::kShared), ElementsAre());
  if (!view.scans_fast()) return;
  EXPECT_THAT(scan(ScanKind::kWritten), ElementsAre(Pair(at(2), at(4))));
}

TEST_F(ProcMemoryTest, AMappingIsFoundByAnyOfItsAddresses) {
  Vma vma;
  ASSERT_TRUE(view.mapping_at(at(5), &vma));
  EXPECT_LE(vma.start, at(0));
  EXPECT_GE(vma.end, at(kPages));
  EXPECT_TRUE(vma.writable);
  EXPECT_FALSE(view.mapping_at(kPage, &vma));
  ASSERT_TRUE(view.mapping_at(at(5), &vma));
  const std::vector<Vma> all = view.mappings();
  EXPECT_TRUE(std::any_of(all.begin(), all.end(),
                          [&](const Vma& one) { return one.start == vma.start && one.end == vma.end; }));
}

TEST_F(ProcMemoryTest, ContentIsReadUpToWhatIsMissing) {
  memory[0] = 7;
  char out[2 * kPage];
  EXPECT_EQ(view.read(at(0), out, sizeof out), sizeof out);
  EXPECT_EQ(out[0], 7);
  EXPECT_EQ(view.read(kPage, out, 1), 0u);
}

TEST_F(ProcMemoryTest, EntriesTellPagesOfOnesOwn) {
  memory[0] = 1;
  const std::vector<uint64_t> entries = view.entries(at(0), 2);
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_TRUE(resident(entries[0]));
  EXPECT_FALSE(resident(entries[1]));
}

TEST_F(ProcMemoryTest, CountsAndStatusAreOfTheProcess) {
  EXPECT_GT(view.resident().own_pages, 10u);
  EXPECT_NE(view.status().find("VmHWM:"), std::string::npos);
  EXPECT_TRUE(view.has_memory());
  EXPECT_TRUE(view.lives());
  EXPECT_FALSE(view.follow_living_thread()) << "the first thread lives";
}

TEST(ProcMemoryOfChild, EndsWithIt) {
  int hold[2];
  ASSERT_EQ(::pipe(hold), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(hold[1]);
    char end;
    static_cast<void>(!::read(hold[0], &end, 1));
    ::_exit(0);
  }
  ProcMemory view(static_cast<uint32_t>(child));
  view.open();
  EXPECT_TRUE(view.lives());
  ::close(hold[1]);
  ::close(hold[0]);
  ::waitpid(child, nullptr, 0);
  EXPECT_FALSE(view.lives());
  EXPECT_TRUE(view.mappings().empty());
  EXPECT_FALSE(view.resident().known);
}

}  // namespace
}  // namespace oomcast::record
