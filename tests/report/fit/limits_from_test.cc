// Tests that limits are read from the files that set them, and that bad files are one clear error.
#include "report/fit/limits_from.h"

#include <gmock/gmock.h>

namespace oomcast::report {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> limits(const std::string& text, const std::string& path, const std::string& service = "") {
  auto read = limits_of(text, path, service);
  EXPECT_TRUE(read.ok()) << read.error().message;
  return read.ok() ? read->cgroup : std::vector<std::string>{};
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
  EXPECT_THAT(limits(kDeployment, "d.yaml"), ElementsAre("memory.max=536870912"));
}

TEST(LimitsFrom, KubernetesDecimalSizesAreDecimal) {
  EXPECT_THAT(limits("spec: {containers: [{name: a, resources: {limits: {memory: 128M}}}]}", "p.yaml"),
              ElementsAre("memory.max=128000000"));
}

TEST(LimitsFrom, AComposeServiceIsChosenByItsName) {
  const std::string compose =
      "services:\n  db: {mem_limit: 1g, memswap_limit: 1536m}\n  web: {deploy: {resources: {limits: {memory: 64M}}}}\n";
  EXPECT_THAT(limits(compose, "c.yaml", "db"), ElementsAre("memory.max=1073741824", "memory.swap.max=536870912"));
  EXPECT_THAT(limits(compose, "c.yaml", "web"), ElementsAre("memory.max=67108864"));
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
  EXPECT_THAT(error_of("[Service]\nMemoryMax=50%\n", "a.service"), HasSubstr("line 2: MemoryMax='50%'"));
  EXPECT_THAT(error_of("[Service]\nExecStart=/bin/true\n", "a.service"), HasSubstr("no memory limit"));
  EXPECT_THAT(error_of("a: [", "a.yaml"), HasSubstr("not YAML"));
  EXPECT_THAT(error_of("a: \"\\\x1b\"", "a.yaml"), testing::Not(HasSubstr("\x1b"))) << "an escape that no YAML has";
  EXPECT_THAT(error_of("just text", "a.yaml"), HasSubstr("no memory limit"));
  EXPECT_THAT(error_of("services: {web: {mem_limit: lots}}", "a.yaml"), HasSubstr("'lots' is no size"));
  EXPECT_THAT(error_of("services: {web: {mem_limit: [1]}}", "a.yaml"), HasSubstr("not a single value"));
  EXPECT_THAT(read_limits("/nowhere.yaml", "").error().message, HasSubstr("/nowhere.yaml: cannot be read"));
}

}  // namespace
}  // namespace oomcast::report
