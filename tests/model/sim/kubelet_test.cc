// On a Kubernetes node the kubelet ends pods when little memory is left, before the kernel has to kill.
#include "model/sim/kubelet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "model/sim/simulation.h"
#include "tests/support/host_builder.h"
#include "tests/support/program.h"
#include "tests/support/service_sink.h"

namespace oomcast::sim {
namespace {

using support::HostBuilder;
using support::Program;
using support::ServiceSink;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using namespace oomcast::literals;

struct Pod {
  std::string name;
  Bytes request;
  int priority;
  Pages touches;
};

/// Pods that take what they want at once and live on for a minute, on a node of 256 MiB that evicts below `threshold`.
Outcome minute_of(const std::vector<Pod>& pods, Bytes threshold) {
  host::HostSpec host = HostBuilder().node(256_MiB).build();
  host.kubelet.eviction_hard = threshold;
  Options options;
  options.audit = true;
  for (const Pod& pod : pods) {
    options.services.emplace_back();
    options.services.back().name = pod.name;
    options.services.back().memory_request = pod.request;
    options.services.back().priority = pod.priority;
  }
  Simulation s(std::move(host), options);
  std::vector<std::unique_ptr<ServiceSink>> sinks;
  std::vector<std::unique_ptr<Program>> programs;
  for (size_t i = 0; i < pods.size(); ++i) {
    sinks.push_back(std::make_unique<ServiceSink>(s, i));
    programs.push_back(std::make_unique<Program>(*sinks.back(), static_cast<uint32_t>(i * 10'000'000 + 100)));
    programs.back()->window(512);
    programs.back()->map(0, 65536);
    programs.back()->touch(0, static_cast<uint64_t>(pods[i].touches.count()));
  }
  for (int second = 1; second <= 60; ++second)
    for (auto& program : programs) program->sleep(Nanoseconds(1'000'000'000));
  return s.finish();
}

std::vector<std::string> evicted(const Outcome& outcome) {
  std::vector<std::string> names;
  for (const Eviction& eviction : outcome.evictions) names.push_back(eviction.ranked.front().service);
  return names;
}

/// A program without services that takes `pages` at once and lives on for a quarter of a minute.
Outcome seconds_of_one_program(host::HostSpec host, uint64_t pages) {
  Simulation s(std::move(host), {});
  Program program(s, 100);
  program.window(512);
  program.map(0, 65536);
  program.touch(0, pages);
  for (int second = 1; second <= 15; ++second) program.sleep(Nanoseconds(1'000'000'000));
  return s.finish();
}

TEST(Kubelet, EvictsNobodyWhileEnoughIsAvailable) {
  EXPECT_THAT(minute_of({{"a", 0_MiB, 0, 20000_pages}}, 32_MiB).evictions, IsEmpty());
  EXPECT_THAT(minute_of({{"a", 0_MiB, 0, 55000_pages}}, 0_MiB).evictions, IsEmpty()) << "no threshold";
}

TEST(Kubelet, TakesThePodBeyondItsRequestAndLeavesTheOther) {
  const Outcome outcome = minute_of({{"modest", 160_MiB, 0, 30000_pages}, {"greedy", 16_MiB, 0, 22000_pages}}, 56_MiB);
  ASSERT_THAT(evicted(outcome), ElementsAre("greedy"));
  const Eviction& eviction = outcome.evictions.front();
  EXPECT_EQ(eviction.t, kKubeletInterval) << "the first time that it checks";
  EXPECT_LT(eviction.available, 56_MiB);
  EXPECT_EQ(eviction.ranked[0].usage, to_bytes(22000_pages));
  EXPECT_EQ(outcome.services[1].evicted_at, eviction.t);
  EXPECT_FALSE(outcome.services[0].evicted_at);
  EXPECT_EQ(outcome.oom_kills_total, 0);
  ASSERT_TRUE(outcome.diverged);
  EXPECT_EQ(outcome.diverged->by, DivergedBy::kEviction);
  EXPECT_THAT(outcome.audit_faults, IsEmpty());
}

TEST(Kubelet, AmongThoseBeyondTheirRequestTheLowerPriorityGoesFirst) {
  EXPECT_THAT(evicted(minute_of({{"large", 0_MiB, 100, 30000_pages}, {"small", 0_MiB, -5, 22000_pages}}, 56_MiB)),
              ElementsAre("small"));
  EXPECT_THAT(evicted(minute_of({{"small", 0_MiB, 0, 22000_pages}, {"large", 0_MiB, 0, 30000_pages}}, 56_MiB)),
              ElementsAre("large"));
  EXPECT_THAT(evicted(minute_of({{"within", 200_MiB, -5, 30000_pages}, {"beyond", 0_MiB, 100, 22000_pages}}, 56_MiB)),
              ElementsAre("beyond"))
      << "whether it is beyond its request comes before the priority";
}

TEST(Kubelet, TakesOneAtATimeUntilEnoughIsAvailable) {
  const Outcome outcome =
      minute_of({{"a", 0_MiB, 0, 18000_pages}, {"b", 0_MiB, 0, 17000_pages}, {"c", 0_MiB, 0, 16000_pages}}, 150_MiB);
  ASSERT_THAT(evicted(outcome), ElementsAre("a", "b"));
  EXPECT_EQ(outcome.evictions[1].t, kKubeletInterval * 2);
  EXPECT_THAT(outcome.evictions[1].ranked, SizeIs(2));
}

TEST(Kubelet, CountsWhatIsLeftBelowTheLimitOfAllPods) {
  host::HostSpec host = HostBuilder().node(256_MiB).build();
  host::CgroupSpec pods;
  pods.present = true;
  pods.path = "/kubepods";
  pods.memory_max = (128_MiB).count();
  host.cgroups.push_back(pods);
  host.cgroup.present = true;
  host.cgroup.path = "/kubepods/pod";
  host.kubelet.eviction_hard = 32_MiB;
  const Outcome outcome = seconds_of_one_program(std::move(host), 26000);
  ASSERT_THAT(outcome.evictions, SizeIs(1)) << "the host has more than 128 MiB free";
  EXPECT_LT(outcome.evictions[0].available, 32_MiB);
}

TEST(Kubelet, TheOnlyProgramUsesWhatItsGroupIsCharged) {
  host::HostSpec host = HostBuilder().node(256_MiB).build();
  host.cgroup.present = true;
  host.cgroup.path = "/pod";
  host.kubelet.eviction_hard = 56_MiB;
  const Outcome outcome = seconds_of_one_program(std::move(host), 54000);
  ASSERT_THAT(evicted(outcome), ElementsAre(""));
  EXPECT_GT(outcome.evictions[0].ranked[0].usage, to_bytes(54000_pages)) << "its page tables are charged, too";
}

TEST(Kubelet, TheOnlyProgramIsAPodToo) {
  host::HostSpec host = HostBuilder().node(256_MiB).build();
  host.kubelet.eviction_hard = 56_MiB;
  const Outcome outcome = seconds_of_one_program(std::move(host), 54000);
  EXPECT_THAT(evicted(outcome), ElementsAre(""));
}

}  // namespace
}  // namespace oomcast::sim
