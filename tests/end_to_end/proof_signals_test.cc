// A signal to oomcast while it proves ends the proofs, never the report.
#include <gmock/gmock.h>

#include "tests/end_to_end/oomcast_run.h"

namespace oomcast::end_to_end {
namespace {

using testing::HasSubstr;

/// Starts what its arguments say after the signal's name, sends the signal once proofs have begun, and prints the exit
/// status.
constexpr const char* kSignalled = R"(
import signal, subprocess, sys
child = subprocess.Popen(sys.argv[2:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
errors = b""
while b"oomcast: proving:" not in errors:
    more = child.stderr.read1(4096)
    if not more: sys.exit("it never proved: " + errors.decode())
    errors += more
child.send_signal(getattr(signal, sys.argv[1]))
open("said", "wb").write(errors + child.stderr.read())
print(child.wait())
)";

/// Takes and gives back memory a few times, so that the proofs take longer than a signal.
constexpr const char* kLongToSimulate =
    "python3 -c 'import mmap\n"
    "kept = mmap.mmap(-1, 60 << 20); kept.write(b\"x\" * (60 << 20))\n"
    "for i in range(4):\n"
    "  m = mmap.mmap(-1, 40 << 20); m.write(b\"y\" * (40 << 20)); m.close()\n"
    "raise SystemExit(7)'";

class ProofSignals : public EndToEnd {
 protected:
  ProofSignals() { std::ofstream(at("signalled.py")) << kSignalled; }
  Finished signalled(const std::string& name, const std::string& line) const {
    return sh("python3 signalled.py " + name + " $OOMCAST " + line);
  }
  /// How many suggestions say that a signal came first.
  int stopped_by_signal(const Json& report) const {
    int stopped = 0;
    for (const Json& finding : report["findings"])
      for (const Json& each : finding["try"])
        if (each["not_simulated"].is_string() &&
            each["not_simulated"].get<std::string>().find("a signal to oomcast ended the proofs") != std::string::npos)
          ++stopped;
    return stopped;
  }
};

TEST_F(ProofSignals, TheReportIsWrittenAndSaysWhatWasNotReached) {
  for (const char* name : {"SIGINT", "SIGHUP"}) {
    const Finished finished =
        signalled(name, std::string("run --host vm-1g --cgroup memory.max=80M --prove 100 --progress always -- ") +
                            kLongToSimulate);
    EXPECT_EQ(finished.out, "7\n") << name << ": the program's own status; " << finished.err;
    ASSERT_TRUE(has_report()) << name << finished.err;
    const Json all = report();
    EXPECT_EQ(all["verdict"], "oom_kill") << name;
    EXPECT_GT(stopped_by_signal(all), 0) << name;
    EXPECT_THAT(content(at("said")), HasSubstr("OOM KILL")) << name << ": the summary is there too";
    fs::remove(at("oomcast.report.json"));
  }
}

TEST_F(ProofSignals, APipeWithoutAReaderEndsNothing) {
  const Finished finished =
      signalled("SIGPIPE", std::string("run --host vm-1g --cgroup memory.max=80M --prove 100 --progress always -- ") +
                               kLongToSimulate);
  EXPECT_EQ(finished.out, "7\n") << finished.err;
  EXPECT_EQ(report()["proofs"]["left_out"], 0);
  EXPECT_EQ(stopped_by_signal(report()), 0);
}

TEST_F(ProofSignals, AReplayEndsItsProofsAndKeepsItsReportToo) {
  ASSERT_EQ(run(kLongToSimulate, "--cgroup memory.max=80M --trace t.trace --quiet").status, 7);
  for (const char* name : {"SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"}) {
    const Finished finished = signalled(name, "replay t.trace --prove 100 --progress always --report again.json");
    EXPECT_EQ(finished.out, "0\n") << name << finished.err;
    EXPECT_EQ(report("again.json")["verdict"], "oom_kill") << name;
    EXPECT_GT(stopped_by_signal(report("again.json")), 0) << name;
    fs::remove(at("again.json"));
  }
  EXPECT_EQ(
      signalled("SIGTERM", "replay t.trace --prove 100 --progress always --fail-on oom_kill --report again.json").out,
      "3\n");
}

}  // namespace
}  // namespace oomcast::end_to_end
