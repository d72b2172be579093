// Tests that limits are read from the files that set them, and that bad files are one clear error.
#include "report/fit/limits_from.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "model/spec/read_host.h"

namespace oomcast::report {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> limits(const std::string& text, const std::string& path, const std::string& service = "") {
  auto read = limits_of(text, path, service);
  EXPECT_TRUE(read.ok()) << read.error().message;
  return read.ok() ? read->cgroup : std::vector<std::string>{};
}
std::vector<std::string> limits_on_4g(const std::string& text, const std::string& path) {
  auto read = limits_of(text, path, "");
  EXPECT_TRUE(read.ok()) << read.error().message;
  return read.ok() ? on_host(read.value(), host::preset("vm-4g").value()).cgroup : std::vector<std::string>{};
}
std::string error_of(const std::string& text, const std::string& path, const std::string& service = "") {
  auto read = limits_of(text, path, service);
  return read ? "accepted" : read.error().message;
}

constexpr const char* kDeployment = R"(kind: Service
---
kind: Deployment
spec:
  template:
    spec:
      containers:
        - name: web
          resources: {limits: {memory: 512Mi, cpu: "1"}}
        - name: sidecar
)";

TEST(LimitsFrom, ThePodTemplateOfADeployment) {
  EXPECT_THAT(limits_on_4g(kDeployment, "d.yaml"), Contains("memory.max=536870912"));
}

TEST(LimitsFrom, KubernetesDecimalSizesAreDecimal) {
  EXPECT_THAT(limits_on_4g("spec: {containers: [{name: a, resources: {limits: {memory: 128M}}}]}", "p.yaml"),
              Contains("memory.max=128000000"));
}

TEST(LimitsFrom, AComposeServiceIsChosenByItsName) {
  const std::string compose =
      "services:\n  db: {mem_limit: 1g, memswap_limit: 1536m}\n  web: {deploy: {resources: {limits: {memory: 64M}}}}\n";
  EXPECT_THAT(limits(compose, "c.yaml", "db"), ElementsAre("memory.max=1073741824", "memory.swap.max=536870912"));
  EXPECT_THAT(limits(compose, "c.yaml", "web"), ElementsAre("memory.max=67108864", "memory.swap.max=67108864"))
      << "Docker's default: as much swap as memory";
  EXPECT_THAT(error_of(compose, "c.yaml"), HasSubstr("choose one"));
  EXPECT_THAT(error_of(compose, "c.yaml", "cache"), HasSubstr("there are: db, web"));
}

TEST(LimitsFrom, AComposeServiceHasItsOwnMountsOfTmpfs) {
  const auto tmpfs = [](const std::string& service) {
    return limits_of("services: {a: {" + service + "}}", "c.yaml", "").value().tmpfs.value();
  };
  EXPECT_THAT(tmpfs("mem_limit: 1g"), ElementsAre("/dev/shm=64M"));
  EXPECT_THAT(tmpfs("shm_size: 128m"), ElementsAre("/dev/shm=134217728"));
  EXPECT_THAT(tmpfs("mem_limit: 1g, ipc: host"), testing::IsEmpty());
  EXPECT_THAT(tmpfs("tmpfs: [/run, '/tmp:mode=755,size=1m']"), ElementsAre("/dev/shm=64M", "/run", "/tmp=1048576"));
  EXPECT_THAT(tmpfs("tmpfs: /run"), ElementsAre("/dev/shm=64M", "/run"));
  EXPECT_THAT(error_of("services: {a: {tmpfs: 'run'}}", "c.yaml"), HasSubstr("'run' does not begin with /"));
  EXPECT_THAT(error_of("services: {a: {tmpfs: '/run:size=lots'}}", "c.yaml"), HasSubstr("'size=lots' is no size"));
}

TEST(LimitsFrom, TheLastLineOfAUnitHolds) {
  EXPECT_THAT(limits("[Service]\nMemoryMax=1G\nMemoryMax=infinity\nMemoryHigh=96M\nMemorySwapMax=0\n", "a.service"),
              ElementsAre("memory.high=100663296", "memory.swap.max=0"));
}

TEST(LimitsFrom, WhatIsNoLimitIsSaid) {
  EXPECT_THAT(error_of("[Service]\nMemoryMax=512MB\n", "a.service"), HasSubstr("a.service:2: MemoryMax='512MB'"));
  EXPECT_THAT(error_of("[Service]\nMemoryMax=512m\n", "a.service"), HasSubstr("in capitals"));
  EXPECT_THAT(error_of("[Service]\nMemoryMax=101%\n", "a.service"), HasSubstr("'101%'"));
  EXPECT_THAT(error_of("[Service]\nOOMScoreAdjust=2000\n", "a.service"), HasSubstr("expected -1000 to 1000"));
  EXPECT_THAT(error_of("[Service]\nExecStart=/bin/true\n", "a.service"), HasSubstr("no memory limit"));
  EXPECT_THAT(error_of("a: [", "a.yaml"), HasSubstr("not YAML"));
  EXPECT_THAT(error_of("a: \"\\\x1b\"", "a.yaml"), testing::Not(HasSubstr("\x1b"))) << "an escape that no YAML has";
  EXPECT_THAT(error_of("just text", "a.yaml"), HasSubstr("no memory limit"));
  EXPECT_THAT(error_of("services: {web: {mem_limit: lots}}", "a.yaml"), HasSubstr("'lots' is no size"));
  EXPECT_THAT(error_of("services: {web: {mem_limit: [1]}}", "a.yaml"), HasSubstr("not a single value"));
  EXPECT_THAT(read_limits("/nowhere.yaml", "").error().message, HasSubstr("/nowhere.yaml: cannot be read"));
}

/// A folder with files, removed at the end.
class Folder {
 public:
  Folder() {
    std::string pattern = testing::TempDir() + "limits-XXXXXX";
    path = ::mkdtemp(pattern.data());
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string file(const std::string& name, const std::string& text) const {
    const std::filesystem::path whole = std::filesystem::path(path) / name;
    std::filesystem::create_directories(whole.parent_path());
    std::ofstream(whole) << text;
    return whole.string();
  }
  std::string path;
};

TEST(LimitsFrom, AUnitsPercentagesAreOfTheTarget) {
  const auto read = limits_of("[Service]\nMemoryMax=50%\nMemoryHigh=12.5%\nMemorySwapMax=10%\n", "a.service", "");
  host::HostSpec host = host::preset("vm-4g").value();
  host.total_ram = Pages(1'000'000);
  host.swaps.push_back({"sda2", Bytes(1'000'000'000), Bytes(0)});
  EXPECT_THAT(on_host(read.value(), host).cgroup,
              ElementsAre("memory.max=2048000000", "memory.high=512000000", "memory.swap.max=100000000"));
}

TEST(LimitsFrom, AUnitProtectsItsMemoryAndSaysWhoIsKilled) {
  const std::string unit =
      "[Unit]\nMemoryMax=1M\n[Service]\n# MemoryMax=2M\nMemoryLow=64M\nMemoryMin=0\nOOMScoreAdjust=-500\n"
      "OOMPolicy=kill\nSlice=batch.slice\nLimitAS=1G\n";
  const auto read = limits_of(unit, "a.service", "");
  EXPECT_THAT(read->cgroup, ElementsAre("memory.low=67108864", "memory.min=0", "memory.oom.group=1"));
  EXPECT_EQ(read->oom_score_adj, -500);
  EXPECT_THAT(read->assumed, ElementsAre(HasSubstr("LimitAS: not set"), HasSubstr("limits of batch.slice: none")));
}

TEST(LimitsFrom, DropInsBesideTheUnitCountAfterIt) {
  const Folder folder;
  const std::string unit = folder.file("a.service", "[Service]\nMemoryMax=1G\nMemoryHigh=512M\n");
  folder.file("a.service.d/20.conf", "[Service]\nMemoryMax=256M\n");
  folder.file("a.service.d/10.conf", "[Service]\nMemoryMax=128M\nMemoryHigh=\n");
  folder.file("a.service.d/30.conf.off", "[Service]\nMemoryMax=1\n");
  EXPECT_THAT(read_limits(unit)->cgroup, ElementsAre("memory.max=268435456"));
  folder.file("a.service.d/40.conf", "[Service]\nMemoryMax=lots\n");
  EXPECT_THAT(read_limits(unit).error().message, HasSubstr("40.conf:2: MemoryMax='lots'"));
}

TEST(LimitsFrom, WhatSystemctlCatPrintsIsAUnit) {
  EXPECT_THAT(limits("# /lib/systemd/system/a.service\n[Service]\nMemoryMax=1G\n", "saved.txt"),
              ElementsAre("memory.max=1073741824"));
}

TEST(LimitsFrom, DockersSwapAndReservation) {
  const auto of = [](const std::string& keys) { return limits("services: {a: {" + keys + "}}", "c.yaml"); };
  EXPECT_THAT(of("mem_limit: 512m, memswap_limit: -1"), ElementsAre("memory.max=536870912")) << "any swap";
  EXPECT_THAT(of("mem_limit: 512m, memswap_limit: 512m"), ElementsAre("memory.max=536870912", "memory.swap.max=0"));
  EXPECT_THAT(of("mem_limit: 64 MB, mem_reservation: 32mib"),
              ElementsAre("memory.max=67108864", "memory.low=33554432", "memory.swap.max=67108864"));
  EXPECT_THAT(of("deploy: {resources: {reservations: {memory: 1g}}}"), ElementsAre("memory.low=1073741824"));
  EXPECT_THAT(of("mem_limit: 0, shm_size: 1g"), testing::IsEmpty()) << "0 is no limit";
  const auto bad = [](const std::string& keys) { return error_of("services: {a: {" + keys + "}}", "c.yaml"); };
  EXPECT_THAT(bad("memswap_limit: 1g"), HasSubstr("service 'a': memswap_limit without mem_limit"));
  EXPECT_THAT(bad("mem_limit: 1g, memswap_limit: 512m"), HasSubstr("less than mem_limit"));
  EXPECT_THAT(bad("mem_limit: 1g, mem_reservation: 2g"), HasSubstr("more than the limit"));
  EXPECT_THAT(bad("mem_limit: 1g, deploy: {resources: {limits: {memory: 2g}}}"), HasSubstr("differ"));
}

TEST(LimitsFrom, AComposeServiceSaysWhoIsKilled) {
  const auto read = limits_of("services: {a: {oom_score_adj: 500, oom_kill_disable: true}}", "c.yaml", "");
  EXPECT_EQ(read->oom_score_adj, 500);
  EXPECT_THAT(read->assumed, ElementsAre(HasSubstr("oom_kill_disable: not set")));
  EXPECT_THAT(error_of("services: {a: {oom_score_adj: 5000}}", "c.yaml"), HasSubstr("expected -1000 to 1000"));
}

TEST(LimitsFrom, MergeKeysAndLongMountsCount) {
  const std::string compose = R"(x-small: &small {mem_limit: 64m}
x-adj: &adj {oom_score_adj: 7}
services:
  a:
    <<: [*adj, *small]
    volumes: ["/data:/data", {type: tmpfs, target: /run, tmpfs: {size: 1m}}]
)";
  const auto read = limits_of(compose, "c.yaml", "a");
  EXPECT_THAT(read->cgroup, ElementsAre("memory.max=67108864", "memory.swap.max=67108864"));
  EXPECT_EQ(read->oom_score_adj, 7);
  EXPECT_THAT(*read->tmpfs, ElementsAre("/dev/shm=64M", "/run=1048576"));
  EXPECT_THAT(error_of("services: {a: &a {<<: *a}}", "c.yaml"), HasSubstr("no memory limit")) << "a circle";
}

TEST(LimitsFrom, AComposeServiceExtendsOthers) {
  const Folder folder;
  folder.file("common.yml", "services: {base: {mem_limit: 64m, tmpfs: /run}}");
  const std::string compose = folder.file("c.yaml", R"(services:
  a: {extends: {file: common.yml, service: base}, shm_size: 1m, tmpfs: /tmp}
  b: {extends: a, mem_limit: 32m}
  c: {extends: {service: c}}
  d: {extends: nobody}
)");
  EXPECT_THAT(read_limits(compose + ":a")->cgroup, ElementsAre("memory.max=67108864", "memory.swap.max=67108864"));
  EXPECT_THAT(*read_limits(compose + ":b")->tmpfs, ElementsAre("/dev/shm=1048576", "/run", "/tmp"));
  EXPECT_THAT(read_limits(compose + ":b")->cgroup, Contains("memory.max=33554432"));
  EXPECT_THAT(read_limits(compose + ":c").error().message, HasSubstr("is it a circle?"));
  EXPECT_THAT(read_limits(compose + ":d").error().message, HasSubstr("extends the service 'nobody'"));
}

TEST(LimitsFrom, VariablesOfComposeArePutIn) {
  const Folder folder;
  folder.file(".env", "export OOMCAST_TEST_MEM=\"96m\"\nOOMCAST_TEST_EMPTY=\n");
  const auto of = [&](const std::string& size) {
    return read_limits(folder.file("c.yaml", "services: {a: {mem_limit: '" + size + "'}}"));
  };
  const auto limit = [&](const std::string& size) { return of(size).value().cgroup.front(); };
  EXPECT_EQ(limit("${OOMCAST_TEST_MEM}"), "memory.max=100663296");
  EXPECT_EQ(limit("$OOMCAST_TEST_MEM"), "memory.max=100663296");
  EXPECT_EQ(limit("${OOMCAST_TEST_NONE:-64m}"), "memory.max=67108864");
  EXPECT_EQ(limit("${OOMCAST_TEST_NONE:-${OOMCAST_TEST_MEM}}"), "memory.max=100663296");
  EXPECT_EQ(limit("${OOMCAST_TEST_EMPTY:-64}m"), "memory.max=67108864");
  EXPECT_THAT(of("${OOMCAST_TEST_EMPTY-64}m").error().message, HasSubstr("'m' is no size")) << "it is set";
  EXPECT_THAT(of("${OOMCAST_TEST_NONE}").error().message,
              HasSubstr("mem_limit: the variable OOMCAST_TEST_NONE is not set"));
  EXPECT_THAT(of("${OOMCAST_TEST_NONE:?say how much}").error().message, HasSubstr("say how much"));
  EXPECT_THAT(of("${").error().message, HasSubstr("not closed"));
  EXPECT_THAT(of("${}").error().message, HasSubstr("is no variable"));
}

TEST(LimitsFrom, ATemplateThatWasNotRenderedIsNamed) {
  EXPECT_THAT(error_of("kind: Pod\nmetadata:\n  name: {{ .Release.Name }}\n{{- if .x }}\n", "t.yaml"),
              HasSubstr("t.yaml:3: looks like a template"));
  EXPECT_THAT(error_of("services: {a: {mem_limit: '{{ mem }}'}}", "t.yaml"), HasSubstr("looks like a template"));
}

}  // namespace
}  // namespace oomcast::report
