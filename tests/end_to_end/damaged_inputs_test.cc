// Whatever is wrong with a file that a verb reads: a documented exit status, one clear line, nothing half-written.
#include <gmock/gmock.h>

#include <random>

#include "tests/end_to_end/oomcast_run.h"

namespace oomcast::end_to_end {
namespace {

using testing::StartsWith;

/// Damages a text in one of eight ways. The same number damages it in the same way.
std::string damaged(const std::string& whole, unsigned number) {
  std::mt19937 random(number);
  const auto below = [&](size_t n) { return n == 0 ? 0 : random() % n; };
  std::string text = whole;
  switch (number % 8) {
    case 0:  // cut
      return text.substr(0, below(text.size()));
    case 1:  // bytes that are none of the format's
      for (int i = 0; i < 4 && !text.empty(); ++i) text[below(text.size())] = static_cast<char>(random());
      return text;
    case 2:  // a piece is missing
      return text.erase(below(text.size()), 1 + below(200));
    case 3:  // a piece is there twice
      return text.insert(below(text.size()), text.substr(below(text.size()), 1 + below(200)));
    case 4: {  // a number is huge
      const size_t at = text.find_first_of("0123456789", below(text.size()));
      return at == std::string::npos ? text : text.replace(at, 1, "99999999999999999999");
    }
    case 5: {  // a number is a word, a word is a number
      const size_t at = text.find_first_of("0123456789", below(text.size()));
      return at == std::string::npos ? text : text.replace(at, 1, "\"x\"");
    }
    case 6: {  // a key is another one
      const size_t at = text.find("\":", below(text.size()));
      return at == std::string::npos ? text + "}" : text.insert(at, "x");
    }
    default:  // nested too deep, or nothing at all
      return number % 16 < 8 ? std::string(100'000, '[') : std::string();
  }
}

class DamagedInputs : public EndToEnd {
 protected:
  void SetUp() override {
    ASSERT_EQ(run("dd if=/dev/zero of=/dev/null bs=30M count=1 status=none", "--quiet --trace good.trace").status, 0);
    ASSERT_EQ(sh("$OOMCAST sweep good.trace --vary memory=512M..1G --json >good.sweep").status, 0);
    ASSERT_EQ(sh("$OOMCAST check oomcast.report.json --write-baseline good.yaml").status, 0);
    ASSERT_EQ(sh("$OOMCAST host show vm-1g --json >good.host").status, 0);
    std::ofstream(at("good.pod")) << "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: app\n    resources:\n "
                                     "     limits: {memory: 300Mi}\n";
    fs::copy_file(at("oomcast.report.json"), at("good.report"));
  }

  /// Each line reads `bad.KIND`, damaged in many ways; `statuses` are those that its help names.
  void expect_clear_words(const std::string& kind, const std::vector<std::string>& lines,
                          const std::vector<int>& statuses, unsigned ways) const {
    const std::string whole = content(at("good." + kind));
    ASSERT_FALSE(whole.empty());
    for (unsigned number = 0; number < ways; ++number) {
      std::ofstream(at("bad." + kind), std::ios::binary) << damaged(whole, number);
      for (const std::string& line : lines) {
        const Finished finished = sh(line);
        const std::string which =
            kind + ", way " + std::to_string(number) + ", " + line + "\n" + finished.err.substr(0, 600);
        ASSERT_THAT(statuses, testing::Contains(finished.status)) << which;
        if (finished.status != 2) continue;
        ASSERT_THAT(finished.err, StartsWith("oomcast: ")) << which;
        ASSERT_EQ(oomcast::end_to_end::lines(finished.err), 1) << which;
        ASSERT_LE(finished.err.size(), 1000u) << which;  // some name all keys that there are
        ASSERT_EQ(finished.out, "") << which;
        ASSERT_FALSE(has_report("bad.out")) << which;
      }
    }
  }
};

TEST_F(DamagedInputs, Reports) {
  expect_clear_words("report",
                     {"$OOMCAST check bad.report --budget good.yaml", "$OOMCAST diff good.report bad.report",
                      "$OOMCAST page bad.report -o bad.out; s=$?; [ $s = 2 ] || rm -f bad.out; exit $s",
                      "$OOMCAST show bad.report", "$OOMCAST show bad.report --at peak --as sites",
                      "$OOMCAST export bad.report --as folded", "$OOMCAST export bad.report --as openmetrics"},
                     {0, 1, 2}, 24);
}

TEST_F(DamagedInputs, Sweeps) {
  expect_clear_words("sweep", {"$OOMCAST page bad.sweep -o bad.out; s=$?; [ $s = 2 ] || rm -f bad.out; exit $s"},
                     {0, 2}, 24);
}

TEST_F(DamagedInputs, Budgets) {
  expect_clear_words("yaml", {"$OOMCAST check good.report --budget bad.yaml"}, {0, 1, 2}, 32);
}

TEST_F(DamagedInputs, Traces) {
  expect_clear_words(
      "trace",
      {"$OOMCAST replay bad.trace --prove 0 -q --report bad.out; s=$?; [ $s = 2 ] || rm -f bad.out; exit $s",
       "$OOMCAST sweep bad.trace --vary memory=512M..1G", "$OOMCAST fit bad.trace"},
      {0, 1, 2}, 16);
}

TEST_F(DamagedInputs, PackedSnapshots) {
  ASSERT_EQ(sh("$OOMCAST host capture --file good.snapshot").status, 0);
  expect_clear_words("snapshot", {"$OOMCAST host show bad.snapshot"}, {0, 2}, 48);
}

TEST_F(DamagedInputs, Hosts) {
  expect_clear_words("host",
                     {"$OOMCAST host show bad.host",
                      "$OOMCAST replay good.trace --host ./bad.host --prove 0 -q --report bad.out; s=$?; [ $s = 2 ] || "
                      "rm -f bad.out; exit $s"},
                     {0, 2}, 24);
}

TEST_F(DamagedInputs, SosreportsAndKubernetesNodes) {
  const std::string hosts = OOMCAST_SOURCE_DIR "/tests/data/hosts";
  ASSERT_EQ(sh("tar -C " + hosts + " -cf good.tar victim-adj && gzip -c good.tar >good.tgz && xz -c good.tar >good.txz")
                .status,
            0);
  for (const char* kind : {"tar", "tgz", "txz"})
    expect_clear_words(kind, {"$OOMCAST host show bad." + std::string(kind)}, {0, 2}, 24);
  std::ofstream(at("good.node"))
      << "apiVersion: v1\nkind: Node\nmetadata: {name: a}\nstatus:\n  capacity: {cpu: \"4\", "
         "memory: 8249344Ki}\n  allocatable: {memory: 7098368Ki}\n  nodeInfo: "
         "{architecture: amd64, kernelVersion: 5.15.0-1}\n";
  expect_clear_words("node", {"$OOMCAST host show bad.node"}, {0, 2}, 48);
}

TEST_F(DamagedInputs, PodsComposeFilesAndUnits) {
  const std::string line =
      "$OOMCAST replay good.trace --limits-from bad.pod --prove 0 -q --report bad.out; s=$?; [ $s = 2 ] || rm -f "
      "bad.out; exit $s";
  expect_clear_words("pod", {line}, {0, 2}, 32);
  std::ofstream(at("good.pod"))
      << "services:\n  app:\n    deploy: {resources: {limits: {memory: 300M}}}\n    mem_limit: 300m\n";
  expect_clear_words("pod", {line}, {0, 2}, 16);
  std::ofstream(at("good.pod"))
      << "[Unit]\nDescription=x\n[Service]\nExecStart=/bin/true\nMemoryMax=300M\nMemoryHigh=250M\n";
  expect_clear_words("pod", {line}, {0, 2}, 16);
}

}  // namespace
}  // namespace oomcast::end_to_end
