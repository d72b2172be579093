// A watched page of code is reported as used again when a held thread runs in it.
#include "preload/record/capture/program_text.h"

#include <gmock/gmock.h>

#include "tests/preload/record/rooms_fixture.h"

namespace oomcast::record {
namespace {

class ProgramTextTest : public RoomsTest {
 protected:
  ProgramTextTest() : fake(add_held()), process(fake.process), task(static_cast<pid_t>(process.pid), 7u, clocks.now) {
    FileMapping code{};
    code.start = at_page(0);
    code.end = at_page(16);
    code.executable = code.program = true;
    process.files.mappings.emplace(code.start, code);
  }
  /// The thread is held by a fault while it runs at the address.
  void hold_at(uint64_t address) {
    task.stopped_at = UniqueFd(::memfd_create("syscall", MFD_CLOEXEC));
    char text[64];
    const int length =
        std::snprintf(text, sizeof text, "-1 0x7ffc0000 0x%llx\n", static_cast<unsigned long long>(address));
    ASSERT_EQ(::write(task.stopped_at.get(), text, static_cast<size_t>(length)), length);
    rooms.text.report_use(process, task);
  }

  FakeProcess fake;
  Process& process;
  Task task;
};

TEST_F(ProgramTextTest, AWatchedPageIsReportedOnce) {
  watch_text(process, at_page(3));
  hold_at(at_page(3) + 0x123);
  hold_at(at_page(3) + 0x456);
  ASSERT_THAT(sink.events, SizeIs(1));
  EXPECT_EQ(sink.events[0].kind, EventKind::kReference);
  EXPECT_EQ(sink.events[0].address, at_page(3));
  EXPECT_EQ(sink.events[0].tid, 7u);
  EXPECT_EQ(rooms.count.code_references, 1u);
}

TEST_F(ProgramTextTest, AnotherPageIsNotReported) {
  watch_text(process, at_page(3));
  hold_at(at_page(4));
  EXPECT_THAT(sink.events, IsEmpty());
}

TEST_F(ProgramTextTest, OnlyCodeOfTheProgramIsWatched) {
  watch_text(process, at_page(16));
  process.files.mappings.at(at_page(0)).executable = false;
  watch_text(process, at_page(3));
  EXPECT_THAT(process.files.watched_text, IsEmpty());
}

TEST_F(ProgramTextTest, WhereNoFaultIsHeldNothingIsWatched) {
  process.exact = false;
  watch_text(process, at_page(3));
  EXPECT_THAT(process.files.watched_text, IsEmpty());
}

TEST(StoppedAt, IsTheLastNumberOfTheKernelsLine) {
  EXPECT_EQ(stopped_at("-1 0x7ffc1 0x401234\n"), 0x401234u);
  EXPECT_EQ(stopped_at("0 0x3 0x7f00 0x100 0x0 0x0 0x0 0x7ffc1 0x401234\n"), 0x401234u);
  EXPECT_EQ(stopped_at("running\n"), 0u);
  EXPECT_EQ(stopped_at(""), 0u);
}

}  // namespace
}  // namespace oomcast::record
