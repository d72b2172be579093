// Each thing that the recorder noticed about its own view becomes one caveat, and nothing else does.
#include "preload/record/capture/capture_notes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

namespace oomcast::record {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr uint32_t kUser = 1000;
constexpr uint64_t kMiB = 1 << 20;

/// Of a run of which all was seen by held faults.
CaptureNotes seen_by_faults() {
  CaptureNotes notes(TrackerKind::kUserfaultfd, kUser);
  notes.use_tracker(TrackerKind::kUserfaultfd);
  notes.add_seen_pages(TrackerKind::kUserfaultfd, 100);
  return notes;
}

TEST(CaptureNotes, ARunSeenByFaultsHasNoCaveat) {
  const CaptureNotes notes = seen_by_faults();
  EXPECT_THAT(notes.caveats(), IsEmpty());
  EXPECT_THAT(notes.host_questions(), IsEmpty());
  EXPECT_STREQ(notes.best_tracker(), "userfaultfd");
}

TEST(CaptureNotes, TheTrackerThatIsNamedIsTheOneThatSawMost) {
  CaptureNotes notes = seen_by_faults();
  notes.add_seen_pages(TrackerKind::kPagemap, 500);
  EXPECT_STREQ(notes.best_tracker(), "userfaultfd") << "pages of a tracker that nobody used";
  notes.use_tracker(TrackerKind::kPagemap);
  EXPECT_STREQ(notes.best_tracker(), "pagemap");
  EXPECT_STREQ(CaptureNotes(TrackerKind::kUserfaultfd, kUser).best_tracker(), "none");
}

TEST(CaptureNotes, ARunWithoutTheLibrarySaysSo) {
  CaptureNotes notes(TrackerKind::kUserfaultfd, kUser);
  notes.use_tracker(TrackerKind::kPagemap);
  notes.note_unhooked_process("true");
  EXPECT_THAT(notes.caveats(), ElementsAre(HasSubstr("did not load the capture library")));
}

TEST(CaptureNotes, ARunWithoutTheLibraryHasNoHeldTouchesToSpeakOf) {
  CaptureNotes notes(TrackerKind::kUserfaultfd, kUser);
  notes.use_tracker(TrackerKind::kPagemap);
  notes.begin_polling_phase();
  notes.end_polling_phase(12'345'678'901);
  notes.note_unhooked_process("service");
  EXPECT_THAT(notes.caveats(), ElementsAre(HasSubstr("touched and freed between two polls counts in the peak")));
}

TEST(CaptureNotes, ProcessesWithoutTheLibraryAreNamedOnceByTheirName) {
  CaptureNotes notes = seen_by_faults();
  for (int i = 0; i < 100; ++i) notes.note_unhooked_process("worker");
  notes.note_unhooked_process("server");
  EXPECT_THAT(notes.caveats(), ElementsAre(HasSubstr("/proc/PID/pagemap: worker, server.")));
}

TEST(CaptureNotes, AnAttachedRunSaysWhatWasThere) {
  CaptureNotes notes(TrackerKind::kPagemap, kUser);
  notes.use_tracker(TrackerKind::kPagemap);
  notes.note_attached(300 * kMiB, 2);
  notes.note_unhooked_process("service");
  EXPECT_THAT(notes.caveats(),
              ElementsAre(HasSubstr("300 MiB in 2 processes were resident then"), HasSubstr("left alone")));
}

TEST(CaptureNotes, WhoIsHeldWithoutTheLibraryIsNamedWithWhatIsNotKnown) {
  CaptureNotes notes = seen_by_faults();
  notes.note_held_from_outside("service");
  EXPECT_THAT(notes.caveats(), ElementsAre(AllOf(HasSubstr("opened inside of them: service."),
                                                 HasSubstr("Not known: which code asked for memory"))));
  notes.note_attached(300 * kMiB, 1);
  EXPECT_THAT(notes.caveats(),
              ElementsAre(HasSubstr("300 MiB in 1 process were resident then"), HasSubstr("inside of them: service.")));
}

TEST(CaptureNotes, WhoCannotBeHeldWithoutTheLibraryIsNamedWithTheReason) {
  CaptureNotes notes(TrackerKind::kUserfaultfd, kUser);
  notes.use_tracker(TrackerKind::kPagemap);
  notes.note_not_held("service", EACCES);
  notes.note_not_held("service", EACCES);
  notes.note_unhooked_process("service");
  EXPECT_THAT(notes.caveats(), ElementsAre(HasSubstr("so its pages were polled"),
                                           HasSubstr("inside of them: service (Permission denied). Their")));
}

TEST(CaptureNotes, ARefusedUserfaultfdNamesTheFirstErrorEachProcessOnceAndTheUser) {
  CaptureNotes notes(TrackerKind::kUserfaultfd, kUser);
  notes.use_tracker(TrackerKind::kWpAsync);
  notes.note_refused_userfaultfd("sh", EPERM);
  notes.note_refused_userfaultfd("sh", EACCES);
  notes.note_refused_userfaultfd("sort", EACCES);
  EXPECT_THAT(notes.caveats(), ElementsAre(AllOf(HasSubstr("(Operation not permitted) to sh, sort, so"),
                                                 HasSubstr("setfacl -m u:1000:rw"))));
}

TEST(CaptureNotes, AWorseTrackerThatWasAskedForIsTheFirstCaveat) {
  CaptureNotes notes(TrackerKind::kPagemap, kUser);
  notes.use_tracker(TrackerKind::kPagemap);
  notes.note_refused_userfaultfd("sh", EPERM);
  EXPECT_THAT(notes.caveats(), ElementsAre(tracker_limits(TrackerKind::kPagemap)));
}

TEST(CaptureNotes, ThePollingPhaseSaysWhetherAndWhenItEnded) {
  CaptureNotes notes = seen_by_faults();
  notes.begin_polling_phase();
  EXPECT_THAT(notes.caveats(), ElementsAre(StartsWith("The target was never near its next watermark, so touches")));
  notes.end_polling_phase(12'345'678'901);
  EXPECT_THAT(notes.caveats(), ElementsAre(StartsWith("Until second 12.3 of the run the target was not near")));
}

TEST(CaptureNotes, ProcessesWithoutTheLibraryAreNamedUpToEight) {
  CaptureNotes notes = seen_by_faults();
  for (int i = 1; i <= 9; ++i) notes.note_unhooked_process("static" + std::to_string(i));
  EXPECT_THAT(notes.caveats(), ElementsAre(HasSubstr("static7, static8.")));
}

TEST(CaptureNotes, AProcessThatGivesWayIsNamedWithItsReasonOnce) {
  CaptureNotes notes = seen_by_faults();
  EXPECT_FALSE(CaptureNotes::knows(static_cast<ring::GiveWay>(0)));
  EXPECT_FALSE(CaptureNotes::knows(ring::GiveWay::kCount));
  ASSERT_TRUE(CaptureNotes::knows(ring::GiveWay::kTraced));
  notes.note_gave_way("qemu", ring::GiveWay::kSeccomp);
  notes.note_gave_way("qemu", ring::GiveWay::kSeccomp);
  notes.note_gave_way("gdb", ring::GiveWay::kTraced);
  EXPECT_THAT(notes.caveats(),
              ElementsAre(HasSubstr(
                  ": qemu (it put itself under seccomp), gdb (it is traced by another process of the run).")));
}

TEST(CaptureNotes, FaultsWithoutAnswerAreCountedAndTheirProcessesNamedOnce) {
  CaptureNotes notes = seen_by_faults();
  notes.let_go_moves = 2;
  notes.let_go_faults = 3;
  notes.note_held_no_more("vm");
  notes.note_held_no_more("vm");
  EXPECT_THAT(notes.caveats(), ElementsAre(HasSubstr("mremap() of locked memory"), HasSubstr("answer 3 page faults"),
                                           HasSubstr("from then on: vm.")));
}

TEST(CaptureNotes, OneChildIsNotChildren) {
  CaptureNotes notes = seen_by_faults();
  notes.children_without_descriptor = 1;
  EXPECT_THAT(notes.caveats(), ElementsAre(StartsWith("1 child of the program")));
  notes.children_without_descriptor = 2;
  EXPECT_THAT(notes.caveats(), ElementsAre(StartsWith("2 children of the program")));
}

TEST(CaptureNotes, GrownMemoryIsWorthACaveatFromFourHugePagesOn) {
  CaptureNotes notes = seen_by_faults();
  notes.grown_bytes = 8 * kMiB - 1;
  EXPECT_THAT(notes.caveats(), IsEmpty());
  notes.grown_bytes = 8 * kMiB;
  EXPECT_THAT(notes.caveats(), ElementsAre(StartsWith("8 MiB were found in mappings that had grown")));
}

TEST(CaptureNotes, LittleIsNotSaidToBeNothing) {
  CaptureNotes notes = seen_by_faults();
  notes.unhooked_file_bytes = 8192;
  EXPECT_THAT(notes.caveats(), Contains(StartsWith("Less than 1 MiB were read or written")));
}

TEST(CaptureNotes, SeeReadsWithoutAStashNamesWhatItNeedsAndWithOneDoesNot) {
  CaptureNotes notes = seen_by_faults();
  notes.armed_watches = notes.wanted_stash = true;
  EXPECT_THAT(notes.caveats(), ElementsAre(HasSubstr("it needs Linux 6.8 and root")));
  notes.had_stash = true;
  EXPECT_THAT(notes.caveats(), ElementsAre(HasSubstr("`--see-reads` could take no page out")));
  notes.pages_stashed = 1;
  EXPECT_THAT(notes.caveats(), ElementsAre(HasSubstr("reads too")));
}

TEST(CaptureNotes, EveryOtherThingThatWasMissedIsOneSentence) {
  CaptureNotes notes = seen_by_faults();
  notes.hellos_without_descriptor = 4;
  notes.armed_watches = true;
  notes.copied_pages = 5;
  notes.mapped_data_file = true;
  notes.mapped_program_file = true;
  notes.unhooked_file_bytes = 6 * kMiB;
  notes.used_io_uring = true;
  notes.sites = 10;
  notes.samples_left_out = 7;
  notes.mapped_huge_pages = true;
  notes.refused_memory = true;
  notes.lost_notes = 8;
  EXPECT_THAT(notes.caveats(),
              ElementsAre(StartsWith("4 processes could not be tracked"), StartsWith("Later uses of a page"),
                          HasSubstr("5 pages that it shared"), StartsWith("The program mapped files"),
                          StartsWith("Code of the program"), StartsWith("6 MiB were read or written"),
                          StartsWith("The program uses io_uring"), HasSubstr("10 stacks are listed, 7 samples"),
                          HasSubstr("hugetlb"), HasSubstr("--on-refuse enomem"), StartsWith("8 notes")));
}

TEST(CaptureNotes, QuestionsAboutTheMachineAreNamedByTheirBit) {
  CaptureNotes notes = seen_by_faults();
  notes.host_questions_mask = 1u << 4 | 1u << 7 | 1u << 31;
  EXPECT_THAT(notes.host_questions(), ElementsAre("sysinfo()", "/proc/meminfo"));
}

}  // namespace
}  // namespace oomcast::record
