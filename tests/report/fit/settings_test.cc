// Tests the settings that are handed over, in the words of each file.
#include "report/fit/settings.h"

#include <gmock/gmock.h>
#include <yaml-cpp/yaml.h>

namespace oomcast::report {
namespace {

using testing::HasSubstr;

constexpr int64_t kMiB = 1 << 20;

TEST(Settings, KubernetesReservesTheFootprintAndLimitsTheSize) {
  YAML::Node node = YAML::Load(setting_text({"memory.max", 300 * kMiB + 1, 250 * kMiB, {}}, "k8s"));
  EXPECT_EQ(node["resources"]["limits"]["memory"].as<std::string>(), "301Mi") << "rounded up";
  EXPECT_EQ(node["resources"]["requests"]["memory"].as<std::string>(), "250Mi");
}

TEST(Settings, ARequestIsNeverAboveTheLimit) {
  EXPECT_THAT(setting_text({"memory.max", 100 * kMiB, 250 * kMiB, {}}, "k8s"),
              HasSubstr("requests:\n    memory: 100Mi"));
}

TEST(Settings, SystemdHasAWordForHigh) {
  EXPECT_EQ(setting_text({"memory.high", 64 * kMiB, 0, {}}, "systemd"), "[Service]\nMemoryHigh=64M\n");
  EXPECT_EQ(setting_text({"memory.max", 64 * kMiB, 0, 32 * kMiB}, "systemd"),
            "[Service]\nMemoryMax=64M\nMemorySwapMax=32M\n");
}

TEST(Settings, DockersSwapLimitIsMemoryAndSwap) {
  EXPECT_EQ(setting_text({"memory.max", 64 * kMiB, 0, 32 * kMiB}, "docker"), "--memory=64m --memory-swap=96m\n");
  EXPECT_EQ(setting_text({"memory.max", 64 * kMiB, 0, 0}, "compose"), "mem_limit: 64m\nmemswap_limit: 64m\n");
}

TEST(Settings, DockerIsToldThatAllSwapMayBeUsed) {
  EXPECT_EQ(setting_text({"memory.max", 64 * kMiB, 0, {}, true}, "docker"), "--memory=64m --memory-swap=-1\n")
      << "left out, it would be twice the memory";
  EXPECT_EQ(setting_text({"memory.max", 64 * kMiB, 0, {}, true}, "compose"), "mem_limit: 64m\nmemswap_limit: -1\n");
  EXPECT_EQ(setting_text({"memory.max", 64 * kMiB, 0, {}, true}, "systemd"), "[Service]\nMemoryMax=64M\n");
}

TEST(Settings, AFormWithoutAWordForTheKeySaysSo) {
  EXPECT_THAT(setting_problem("memory.high", "docker"), HasSubstr("no word for memory.high"));
  EXPECT_THAT(setting_problem("memory", "k8s"), HasSubstr("--as env"));
  EXPECT_EQ(setting_problem("memory.high", "systemd"), "");
  for (const std::string& form : setting_forms()) EXPECT_EQ(setting_problem("memory.max", form), "");
  EXPECT_EQ(setting_text({"memory.max", 64 * kMiB, 0, {}}, "env"), "OOMCAST_MEMORY_MAX_BYTES=67108864\n");
}

}  // namespace
}  // namespace oomcast::report
