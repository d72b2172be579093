// A scan of page tables says how far its answer reaches: a process that ends, or a call that fails, says nothing of
// the rest.
#include "preload/record/kernel/page_scan.h"

#include <gmock/gmock.h>
#include <sys/mman.h>

#include <cerrno>

#include "preload/record/guest/page_states.h"
#include "preload/record/kernel/proc_file.h"

namespace oomcast::record {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

constexpr uint64_t kStart = uint64_t{1} << 32, kPresentEntry = uint64_t{1} << 63, kOfFileEntry = uint64_t{1} << 61;
constexpr uint64_t at_page(uint64_t number) { return kStart + number * kPage; }

std::vector<PageRange> runs;
void keep(uint64_t start, uint64_t end) { runs.emplace_back(start, end); }

class PageScan : public testing::Test {
 protected:
  PageScan() { runs.clear(); }
};

/// The kernel's call in a process whose first `there` pages from kStart are resident. It scans `at_once` pages a
/// call; the calls whose numbers are in `failing` end with `error`.
struct Kernel {
  uint64_t there = 8, at_once = 4;
  std::vector<int> failing;
  int error = 0, calls = 0;

  int operator()(PagemapScan* scan) {
    ++calls;
    if (std::find(failing.begin(), failing.end(), calls) != failing.end()) {
      errno = error;
      return -1;
    }
    scan->walk_end = std::min(scan->end, scan->start + at_once * kPage);
    const uint64_t end = std::min(scan->walk_end, at_page(there));
    if (scan->start >= end) return 0;
    *reinterpret_cast<PageRegion*>(scan->vec) = {scan->start, end, kPageIsPresent};
    return 1;
  }
};

TEST_F(PageScan, AScanThatIsNotInterruptedIsKnownToItsEnd) {
  Kernel kernel;
  EXPECT_EQ(scan_by_regions(std::ref(kernel), kStart, at_page(12), 0, 0, keep), at_page(12));
  EXPECT_THAT(runs, ElementsAre(Pair(kStart, at_page(4)), Pair(at_page(4), at_page(8))));
}

TEST_F(PageScan, OfAProcessThatEndsDuringTheScanTheRestIsUnknown) {
  Kernel kernel{.failing = {2}, .error = ESRCH};
  EXPECT_EQ(scan_by_regions(std::ref(kernel), kStart, at_page(12), 0, 0, keep), at_page(4));
  EXPECT_THAT(runs, ElementsAre(Pair(kStart, at_page(4))));
}

TEST_F(PageScan, AKernelThatIsShortOfMemoryIsAskedAgain) {
  Kernel kernel{.failing = {2, 3}, .error = ENOMEM};
  EXPECT_EQ(scan_by_regions(std::ref(kernel), kStart, at_page(12), 0, 0, keep), at_page(12));
  EXPECT_THAT(runs, ElementsAre(Pair(kStart, at_page(4)), Pair(at_page(4), at_page(8))));
}

TEST_F(PageScan, AKernelThatStaysShortOfMemoryLeavesTheRestUnknown) {
  Kernel kernel{.failing = {2, 3, 4, 5, 6, 7, 8, 9}, .error = ENOMEM};
  EXPECT_EQ(scan_by_regions(std::ref(kernel), kStart, at_page(12), 0, 0, keep), at_page(4));
  EXPECT_LT(kernel.calls, 8);
}

/// The first entries of a process that ends during the scan.
auto entries_until(std::vector<uint64_t> entries) {
  return [entries](uint64_t at, uint64_t pages) {
    const uint64_t first = std::min<uint64_t>((at - kStart) / kPage, entries.size());
    const uint64_t last = std::min<uint64_t>(first + pages, entries.size());
    return std::vector<uint64_t>(entries.begin() + static_cast<ptrdiff_t>(first),
                                 entries.begin() + static_cast<ptrdiff_t>(last));
  };
}

TEST_F(PageScan, WithoutTheCallADyingProcessIsNotTakenForResidentInAllOfItsReservation) {
  const uint64_t reserved_end = kStart + (uint64_t{1} << 32);
  EXPECT_EQ(scan_by_entries(entries_until({0, kPresentEntry, kPresentEntry}), kStart, reserved_end, false, keep),
            at_page(3));
  EXPECT_THAT(runs, ElementsAre(Pair(at_page(1), at_page(3))));
}

TEST_F(PageScan, WithoutTheCallPagesOfFilesAreNotTakenForAnonymousOnes) {
  const auto entries = entries_until({kPresentEntry, kPresentEntry | kOfFileEntry, 0});
  EXPECT_EQ(scan_by_entries(entries, kStart, at_page(3), false, keep), at_page(3));
  EXPECT_EQ(scan_by_entries(entries, kStart, at_page(3), true, keep), at_page(3));
  EXPECT_THAT(runs, ElementsAre(Pair(kStart, at_page(1)), Pair(at_page(1), at_page(2))));
}

TEST_F(PageScan, OfAProcessThatHasGoneNothingIsKnown) {
  EXPECT_EQ(scan_resident(-1, kStart, at_page(100), keep), kStart);
  EXPECT_THAT(runs, IsEmpty());
}

TEST_F(PageScan, ThisKernelsAnswerCoversWhatWasAsked) {
  void* memory = ::mmap(nullptr, 64 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  ::madvise(memory, 64 * kPage, MADV_NOHUGEPAGE);
  static_cast<volatile char*>(memory)[3 * kPage] = 1;
  ProcFile pagemap("pagemap");
  pagemap.belong_to(static_cast<uint32_t>(::getpid()));
  const auto start = reinterpret_cast<uint64_t>(memory);
  EXPECT_EQ(scan_resident(pagemap.get(), start, start + 64 * kPage, keep), start + 64 * kPage);
  EXPECT_THAT(runs, ElementsAre(Pair(start + 3 * kPage, start + 4 * kPage)));
  ::munmap(memory, 64 * kPage);
}

}  // namespace
}  // namespace oomcast::record
