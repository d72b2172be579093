// What a guest sees and gets beside this machine's own where that is asked for: the target's figures, limits and
// refusals, another allocator, and the guard.
#include <gmock/gmock.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <chrono>
#include <thread>
#include <vector>

#include "tests/end_to_end/oomcast_run.h"

namespace oomcast::end_to_end {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class GuestWorld : public EndToEnd {
 protected:
  bool tracked() const { return report()["coverage"]["tracker"] == "userfaultfd"; }
};

constexpr const char* kAsks =
    "python3 -c 'import os; print(os.sysconf(\"SC_PHYS_PAGES\"), os.sysconf(\"SC_NPROCESSORS_ONLN\"), "
    "len(os.sched_getaffinity(0)), open(\"/proc/meminfo\").readline().split()[1])'";

TEST_F(GuestWorld, IsTheTargetsWithPresentHost) {
  Json host = Json::parse(sh("$OOMCAST host show vm-1g --json").out);
  int64_t pages = host["total_ram_pages"], cpus = static_cast<int64_t>(host["cpus"].size());
  Finished finished = run(kAsks, "--present-host --quiet");
  ASSERT_EQ(finished.status, 0) << finished.err;
  std::string cpu_text = std::to_string(cpus);
  EXPECT_EQ(finished.out,
            std::to_string(pages) + " " + cpu_text + " " + cpu_text + " " + std::to_string(pages * 4) + "\n");
  EXPECT_EQ(run("nproc", "--present-host --quiet").out, cpu_text + "\n");
  EXPECT_THAT(run("free -k", "--present-host --quiet").out, HasSubstr(" " + std::to_string(pages * 4) + " "));
}

TEST_F(GuestWorld, IsTheTargetsHoweverAProgramAsks) {
  const Json host = Json::parse(sh("$OOMCAST host show vm-1g --json").out);
  const Finished finished = run(
      "python3 -c 'import ctypes; c = ctypes.CDLL(None); s = (ctypes.c_ulong * 16)(); c.get_phys_pages.restype = "
      "c.get_avphys_pages.restype = ctypes.c_long; c.pthread_self.restype = ctypes.c_ulong; "
      "e = c.pthread_getaffinity_np(ctypes.c_ulong(c.pthread_self()), 128, s); "
      "print(c.get_phys_pages(), c.get_avphys_pages() <= c.get_phys_pages(), e, sum(bin(x).count(\"1\") for x in s))'",
      "--present-host --quiet");
  EXPECT_EQ(finished.out, std::to_string(host["total_ram_pages"].get<int64_t>()) + " True 0 " +
                              std::to_string(host["cpus"].size()) + "\n")
      << finished.err;
}

TEST_F(GuestWorld, IsThisMachinesWithoutAndTheReportSaysWhatItAsked) {
  Finished finished = run(kAsks, "--quiet");
  struct sysinfo here {};
  ASSERT_EQ(::sysinfo(&here), 0);
  EXPECT_EQ(finished.out.substr(0, finished.out.find(' ')), std::to_string(here.totalram * here.mem_unit / 4096));
  if (!tracked()) GTEST_SKIP() << "no tracker can run here";
  EXPECT_THAT(report()["host_sensitive"].dump(),
              AllOf(HasSubstr("_SC_PHYS_PAGES"), HasSubstr("/proc/meminfo"), HasSubstr("sched_getaffinity")));
  EXPECT_THAT(report()["findings"].dump(), HasSubstr("run it with --present-host"));
}

TEST_F(GuestWorld, ShowsTheLimitsOfTheTargetsCgroup) {
  // The path need not exist here: a target's cgroup often has no counterpart on the machine at hand.
  const char* reads = "cat /sys/fs/cgroup/some.slice/memory.max";
  EXPECT_EQ(run(reads, "--present-host --quiet --cgroup memory.max=100M").out, "104857600\n");
  EXPECT_EQ(run(reads, "--quiet --cgroup memory.max=100M").out, "104857600\n") << "--cgroup implies it";
  EXPECT_NE(run(reads, "--quiet --cgroup memory.max=100M --no-present-cgroup").out, "104857600\n");
  EXPECT_NE(run(reads, "--quiet").out, "104857600\n");
}

TEST_F(GuestWorld, LeavesNoTemporaryFilesBehind) {
  ASSERT_EQ(sh("mkdir tmp; TMPDIR=$PWD/tmp $OOMCAST run --host vm-1g --present-host --quiet -- true").status, 0);
  EXPECT_TRUE(fs::is_empty(at("tmp")));
}

TEST_F(GuestWorld, AllocatesWithMimallocWhenAskedTo) {
  const char* which = "grep -c libmimalloc /proc/self/maps";
  EXPECT_NE(run(which, "--allocator mimalloc --quiet").out, "0\n");
  EXPECT_THAT(report()["coverage"]["caveats"].dump(), HasSubstr("mimalloc instead of its own allocator"));
  EXPECT_EQ(run(which, "--quiet").out, "0\n");
  Finished works =
      run("python3 -c 'print(sum(len(bytes(1000)) for i in range(50000)))'", "--allocator mimalloc --quiet");
  EXPECT_EQ(works.out, "50000000\n");
}

TEST_F(GuestWorld, ARefusalIsContinuedByDefault) {
  Finished finished = run("dd if=/dev/zero of=/dev/null bs=1100M count=1 status=none", "--quiet");
  EXPECT_EQ(finished.status, 0);
  if (tracked()) {
    EXPECT_FALSE(report()["diverged_at_s"].is_null());
  }
}

TEST_F(GuestWorld, ARefusalFailsTheCallWithEnomem) {
  Finished finished = run("dd if=/dev/zero of=/dev/null bs=1100M count=1 status=none", "--on-refuse enomem --quiet");
  if (!tracked()) GTEST_SKIP() << "no tracker can run here";
  EXPECT_EQ(finished.status, 1);
  EXPECT_THAT(finished.err, HasSubstr("memory exhausted"));
  EXPECT_EQ(report()["verdict"], "alloc_refused");
  EXPECT_TRUE(report()["diverged_at_s"].is_null()) << "the program lived what the target would have done";
  Finished mapped =
      run("python3 -c 'import mmap\n"
          "try: mmap.mmap(-1, 1100 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)\n"
          "except OSError as error: print(error.errno)\n"
          "print(len(bytearray(50 << 20)))'",
          "--on-refuse enomem --quiet");
  EXPECT_EQ(mapped.out, "12\n52428800\n") << "what fits is still granted afterwards";
}

TEST_F(GuestWorld, AGuestThatExhaustsThisMachineIsStopped) {
  // Takes memory until it is stopped, at most a quarter of what is available; --guard 99 leaves it one per cent.
  Finished finished =
      run("python3 -c 'import time\n"
          "left = int([l for l in open(\"/proc/meminfo\") if \"MemAvailable\" in l][0].split()[1]) // 4 // 16384\n"
          "kept = []\n"
          "for i in range(left): kept.append(bytearray(b\"x\") * (16 << 20)); time.sleep(0.005)\n"
          "time.sleep(1); print(\"survived\")'",
          "--guard 99 --quiet --stack-sample 0");
  EXPECT_EQ(finished.status, 128 + 9) << finished.out;
  EXPECT_THAT(finished.out, Not(HasSubstr("survived")));
  EXPECT_EQ(report()["exit"]["signal"], 9);
  EXPECT_THAT(report()["coverage"]["incomplete"].dump(), HasSubstr("(--guard)"));
  // Nothing better than what was seen: on a small target the guest had been killed by then.
  EXPECT_TRUE(report()["verdict"].is_null() || report()["verdict"] == "oom_kill") << report()["verdict"];
}

TEST_F(GuestWorld, AGuestThatHasTakenLittleIsNotStoppedForWhatOthersTake) {
  // Somebody else takes a twenty-fifth of what is available, while --guard 99 leaves one per cent to be taken.
  std::thread others([] {
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    const long pages = ::sysconf(_SC_AVPHYS_PAGES) / 25;
    const std::vector<char> taken(static_cast<size_t>(pages) * 4096, 'x');
    std::this_thread::sleep_for(std::chrono::milliseconds(700));
  });
  Finished finished = run("python3 -c 'import time\nkept = bytearray(4 << 20); time.sleep(4); print(\"survived\")'",
                          "--guard 99 --quiet");
  others.join();
  EXPECT_EQ(finished.status, 0);
  EXPECT_EQ(finished.out, "survived\n");
}

}  // namespace
}  // namespace oomcast::end_to_end
