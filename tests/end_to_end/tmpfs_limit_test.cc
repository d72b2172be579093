// A program that fits /dev/shm here does not fit that of a container: oomcast refuses what a real mount of that size
// refuses, at the same amount.
#include <gmock/gmock.h>

#include <string>

#include "tests/end_to_end/oomcast_run.h"

namespace oomcast::end_to_end {
namespace {

using testing::HasSubstr;

constexpr int64_t kMiB = 1 << 20;

class TmpfsLimit : public EndToEnd {
 protected:
  TmpfsLimit() : file("/dev/shm/oomcast-limit-" + std::to_string(::getpid())) {
    std::ofstream(at("write.py")) << "import sys\n"
                                     "with open(sys.argv[1], 'wb', buffering=0) as f:\n"
                                     "    for i in range(12 * 256): f.write(b'x' * 4096)\n";
    std::ofstream(at("map.py")) << "import mmap, sys\n"
                                   "f = open(sys.argv[1], 'w+b')\n"
                                   "f.truncate(12 << 20)\n"
                                   "m = mmap.mmap(f.fileno(), 12 << 20)\n"
                                   "for at in range(0, 12 << 20, 4096): m[at] = 1\n";
  }
  ~TmpfsLimit() override { fs::remove(file); }

  /// The program on a real mount of 8 MiB: its status, and in stdout the bytes that lay there then.
  Finished on_a_real_mount(const std::string& program) const {
    return sh("unshare -m sh -c 'mount -t tmpfs -o size=8m tmpfs /dev/shm || exit 99; " + program + " " + file +
              "; status=$?; echo $(($(stat -c %b " + file + ") * 512)); exit $status'");
  }
  void forecast(const std::string& program, const std::string& options) const {
    const Finished finished = run(program + " " + file, "--quiet " + options);
    ASSERT_EQ(finished.status, 0) << finished.err;
    fs::remove(file);
  }
  Json full() const {
    const Json whole = report();
    for (const Json& finding : whole["findings"])
      if (finding["id"] == "tmpfs_full") return finding;
    return {};
  }

  const std::string file;
};

TEST_F(TmpfsLimit, AWriteIsRefusedWhereARealMountRefusesIt) {
  forecast("/usr/bin/python3 write.py", "--tmpfs /dev/shm=8M");
  EXPECT_EQ(report()["verdict"], "alloc_refused");
  EXPECT_EQ(full()["evidence"]["in_use_bytes"], 8 * kMiB) << report()["findings"].dump(1);
  EXPECT_THAT(full()["title"].get<std::string>(), HasSubstr("ENOSPC"));
  EXPECT_EQ(report()["app"]["memory_mounts"][0]["peak_bytes"], 12 * kMiB);
  const Finished real = on_a_real_mount("/usr/bin/python3 write.py");
  if (real.status == 99 || real.err.find("unshare") != std::string::npos) GTEST_SKIP() << "cannot mount: " << real.err;
  EXPECT_THAT(real.err, HasSubstr("No space left on device"));
  EXPECT_EQ(std::stoll(real.out), 8 * kMiB);
}

TEST_F(TmpfsLimit, AMappingGetsTheSignalWhereItDoesOnARealMount) {
  for (const char* tracker : {"", " --tracker pagemap"}) {
    forecast("/usr/bin/python3 map.py", std::string("--tmpfs /dev/shm=8M") + tracker);
    EXPECT_EQ(report()["verdict"], "alloc_refused");
    EXPECT_EQ(full()["evidence"]["in_use_bytes"], 8 * kMiB) << report()["findings"].dump(1);
    EXPECT_THAT(full()["title"].get<std::string>(), HasSubstr("SIGBUS"));
  }
  const Finished real = on_a_real_mount("/usr/bin/python3 map.py");
  if (real.status == 99 || real.err.find("unshare") != std::string::npos) GTEST_SKIP() << "cannot mount: " << real.err;
  EXPECT_EQ(real.status, 128 + SIGBUS) << real.err;
  EXPECT_EQ(std::stoll(real.out), 8 * kMiB);
}

// Four segments of 2 MiB at a time, as the workers of a data loader have them: a new one, then the oldest goes.
TEST_F(TmpfsLimit, SegmentsThatComeAndGoCountWithThoseBesideThem) {
  std::ofstream(at("loader.py")) << "from multiprocessing.shared_memory import SharedMemory\n"
                                    "live = []\n"
                                    "for i in range(12):\n"
                                    "    segment = SharedMemory(create=True, size=2 << 20)\n"
                                    "    for at in range(0, 2 << 20, 4096): segment.buf[at] = 1\n"
                                    "    live.append(segment)\n"
                                    "    if len(live) == 4: old = live.pop(0); old.close(); old.unlink()\n"
                                    "for segment in live: segment.close(); segment.unlink()\n";
  forecast("/usr/bin/python3 loader.py", "--tmpfs /dev/shm=64M");
  EXPECT_EQ(report()["app"]["memory_mounts"][0]["peak_bytes"], 8 * kMiB);
  EXPECT_EQ(report()["verdict"], "fits");
}

TEST_F(TmpfsLimit, ALargerOneIsProvenAndEnough) {
  forecast("/usr/bin/python3 write.py", "--tmpfs /dev/shm=8M --prove 60");
  const Json suggestion = full()["try"][0];
  EXPECT_THAT(suggestion["change"].get<std::string>(), testing::StartsWith("--shm-size=12M"));
  EXPECT_EQ(suggestion["proven"], true) << suggestion.dump(1);
  forecast("/usr/bin/python3 write.py", "--tmpfs /dev/shm=12M");
  EXPECT_EQ(report()["verdict"], "fits");
}

TEST_F(TmpfsLimit, APodsShmHoldsSixtyFourMiBAndARecordingCanBeAskedAboutAnother) {
  std::ofstream(at("pod.yaml")) << "spec: {containers: [{name: a, resources: {limits: {memory: 512Mi}}}]}\n";
  forecast("/usr/bin/python3 write.py", "--limits-from pod.yaml --trace t.trace");
  EXPECT_EQ(report()["verdict"], "fits");
  EXPECT_EQ(report()["app"]["memory_mounts"][0]["limit_bytes"], 64 * kMiB);
  const Finished again = sh("$OOMCAST replay t.trace --tmpfs /dev/shm=8M --quiet --prove 0 --report again.json");
  ASSERT_EQ(again.status, 0) << again.err;
  EXPECT_EQ(report("again.json")["verdict"], "alloc_refused");
  const Finished sweep = sh("$OOMCAST sweep t.trace --vary tmpfs./dev/shm=4M..16M --json");
  ASSERT_EQ(sweep.status, 0) << sweep.err;
  std::string verdicts;
  const Json rows = Json::parse(sweep.out)["rows"];
  for (const Json& row : rows) verdicts += row["verdict"].get<std::string>() + " ";
  EXPECT_EQ(verdicts, "alloc_refused alloc_refused fits ") << sweep.out;
}

TEST_F(TmpfsLimit, WhatIsNoMountIsOneError) {
  for (const char* word : {"shm=1M", "/dev/shm=lots"}) {
    const Finished finished = run("true", std::string("--tmpfs ") + word);
    EXPECT_EQ(finished.status, 2);
    EXPECT_EQ(lines(finished.err), 1) << finished.err;
    EXPECT_THAT(finished.err, HasSubstr("--tmpfs"));
  }
}

}  // namespace
}  // namespace oomcast::end_to_end
