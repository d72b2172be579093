// A program writes more to /dev/shm than the target's mount holds: the model refuses the page, the recorded run goes
// on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/sim/simulation.h"
#include "tests/support/host_builder.h"
#include "tests/support/program.h"
#include "tests/support/service_sink.h"

namespace oomcast::sim {
namespace {

using support::HostBuilder;
using support::Program;
using testing::IsEmpty;
using testing::SizeIs;
using namespace oomcast::literals;

constexpr uint64_t kFile = 7, kOther = 8, kMount = 1;

host::HostSpec container() { return HostBuilder().node(512_MiB).tmpfs("/dev/shm", 1_MiB).build(); }

Outcome writes(const host::HostSpec& host, uint64_t pages, const std::string& mount = "/dev/shm") {
  Options options;
  options.audit = true;
  Simulation s(host, options);
  Program p(s, 100, "worker");
  p.mount(kMount, mount);
  p.file_on_mount(kFile, kMount);
  p.write_file(kFile, 0, pages);
  p.exit();
  Outcome outcome = s.finish();
  EXPECT_THAT(outcome.audit_faults, IsEmpty());
  return outcome;
}

TEST(TmpfsRun, OneThatFitsIsNotRefused) {
  const Outcome outcome = writes(container(), 256);
  EXPECT_EQ(outcome.verdict, Verdict::kFits);
  ASSERT_THAT(outcome.app.memory_mounts, SizeIs(1));
  EXPECT_EQ(outcome.app.memory_mounts[0].mount, "/dev/shm");
  EXPECT_EQ(outcome.app.memory_mounts[0].peak, 1_MiB);
  EXPECT_EQ(outcome.app.memory_mounts[0].limit, 1_MiB);
}

TEST(TmpfsRun, TheFirstPageBeyondIsTheIncidentAndTheRunDiverges) {
  const Outcome outcome = writes(container(), 257);
  EXPECT_EQ(outcome.verdict, Verdict::kAllocRefused);
  ASSERT_TRUE(outcome.alloc_refused && outcome.alloc_refused->refusal);
  EXPECT_EQ(outcome.alloc_refused->pid, 100);
  EXPECT_EQ(outcome.alloc_refused->refusal->by, mm::RefusedBy::kTmpfsFull);
  EXPECT_EQ(outcome.alloc_refused->refusal->in_use, 256_pages);
  ASSERT_TRUE(outcome.diverged);
  EXPECT_EQ(outcome.diverged->mount, "/dev/shm");
  EXPECT_EQ(outcome.app.memory_mounts.at(0).peak, to_bytes(257_pages)) << "what it goes on to write here";
}

TEST(TmpfsRun, ALongPathComesInPieces) {
  const std::string path = "/var/lib/with/a/path/that/is/longer/than/sixteen";
  const Outcome outcome = writes(HostBuilder().node(512_MiB).tmpfs("/var/lib/with/a/path", 1_MiB).build(), 300, path);
  EXPECT_EQ(outcome.alloc_refused.value().refusal.value().mount, "/var/lib/with/a/path");
}

TEST(TmpfsRun, WithoutALimitOnlyThePeakIsSaid) {
  const Outcome outcome = writes(HostBuilder().node(512_MiB).build(), 300);
  EXPECT_EQ(outcome.verdict, Verdict::kFits);
  EXPECT_EQ(outcome.app.memory_mounts.at(0).peak, to_bytes(300_pages));
  EXPECT_FALSE(outcome.app.memory_mounts[0].limit);
}

TEST(TmpfsRun, AMemfdAndAFileOfAnOldTraceLieOnNoMount) {
  Simulation s(container(), {});
  Program p(s, 100);
  p.file_in_memory(kFile, trace::kNameless);
  p.write_file(kFile, 0, 1000);
  p.file_on_mount(kOther, 99);  // a number that nobody has named
  p.write_file(kOther, 0, 1000);
  p.exit();
  const Outcome outcome = s.finish();
  EXPECT_EQ(outcome.verdict, Verdict::kFits);
  EXPECT_THAT(outcome.app.memory_mounts, IsEmpty());
}

TEST(TmpfsRun, AFileThatEndsMakesRoomForTheNext) {
  Simulation s(container(), {});
  Program p(s, 100);
  p.mount(kMount, "/dev/shm");
  for (const uint64_t file : {kFile, kOther}) {
    p.file_on_mount(file, kMount);
    p.write_file(file, 0, 200);
    p.truncate_file(file, 0);
  }
  p.exit();
  EXPECT_FALSE(s.finish().alloc_refused);
}

TEST(TmpfsRun, AContainersMountsAreItsOwnAndThoseOfTheHostAreEverybodys) {
  Options options;
  for (const char* name : {"web", "db", "log"}) {
    options.services.emplace_back();
    options.services.back().name = name;
  }
  options.services[0].tmpfs = std::vector<host::TmpfsSpec>{{"/dev/shm", 2_MiB}};
  Simulation s(container(), options);
  for (size_t number = 0; number < 3; ++number) {
    support::ServiceSink sink(s, number);
    Program p(sink, static_cast<uint32_t>(100 + number));
    p.mount(number + 1, "/dev/shm");
    p.file_on_mount(kFile + number, number + 1);
    p.write_file(kFile + number, 0, 200);
  }
  const Outcome outcome = s.finish();
  ASSERT_THAT(outcome.app.memory_mounts, SizeIs(2));
  EXPECT_EQ(outcome.app.memory_mounts[0].service, "web");
  EXPECT_EQ(outcome.app.memory_mounts[0].peak, to_bytes(200_pages));
  EXPECT_EQ(outcome.app.memory_mounts[0].limit, 2_MiB);
  EXPECT_EQ(outcome.app.memory_mounts[1].service, "");
  EXPECT_EQ(outcome.app.memory_mounts[1].peak, to_bytes(400_pages));
  EXPECT_EQ(outcome.alloc_refused.value().pid, 102);
}

TEST(TmpfsRun, ARefusalThatNoCaptureCanLiveIsADivergenceAllTheSame) {
  Options options;
  options.refuse_enomem = true;
  Simulation s(container(), options);
  Program p(s, 100);
  p.mount(kMount, "/dev/shm");
  p.file_on_mount(kFile, kMount);
  p.write_file(kFile, 0, 300);
  EXPECT_FALSE(s.take_refusal());
  p.exit();
  EXPECT_TRUE(s.finish().diverged);
}

}  // namespace
}  // namespace oomcast::sim
