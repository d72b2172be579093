// Several programs share one host: its memory, its clock and its OOM killer. The outcome of each is its own.
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
using support::ServiceSink;
using testing::Eq;
using testing::IsEmpty;
using namespace oomcast::literals;

Options with_services(const std::vector<std::string>& names) {
  Options options;
  options.audit = true;
  for (const std::string& name : names) {
    options.services.emplace_back();
    options.services.back().name = name;
  }
  return options;
}

host::CgroupSpec group(const std::string& path, Bytes max) {
  host::CgroupSpec out;
  out.present = true;
  out.path = path;
  out.memory_max = max.count();
  return out;
}

TEST(Services, EachFootprintIsItsOwnAndTheyAddUp) {
  Simulation s(HostBuilder().node(256_MiB).build(), with_services({"web", "db"}));
  ServiceSink first(s, 0), second(s, 1);
  Program web(first, 100), db(second, 10'000'100);
  web.window(64);
  db.window(64);
  web.map(0, 4000);
  web.touch(0, 3000);
  db.map(0, 4000);
  db.touch(0, 1000);
  Program child = web.fork(101);
  child.touch(0, 500);  // copies
  db.give_back(0, 500);
  db.touch(2000, 100);
  const Outcome outcome = s.finish();
  ASSERT_EQ(outcome.services.size(), 2u);
  EXPECT_EQ(outcome.services[0].name, "web");
  EXPECT_EQ(outcome.services[0].footprint_peak, to_bytes(3500_pages));
  EXPECT_EQ(outcome.services[0].processes, 2);
  EXPECT_EQ(outcome.services[1].footprint_peak, to_bytes(1000_pages));
  EXPECT_EQ(outcome.services[1].processes, 1);
  EXPECT_EQ(outcome.app.footprint_peak, to_bytes(4500_pages));
  EXPECT_THAT(outcome.audit_faults, IsEmpty());
}

TEST(Services, TheLargerOneDiesAndTheOtherLives) {
  Simulation s(HostBuilder().node(64_MiB).build(), with_services({"large", "small"}));
  ServiceSink first(s, 0), second(s, 1);
  Program large(first, 100), small(second, 10'000'100);
  large.window(64);
  small.window(64);
  large.map(0, 12000);
  large.touch(0, 9000);
  small.map(0, 12000);
  small.touch(0, 9000);
  small.touch(9000, 100);
  const Outcome outcome = s.finish();
  EXPECT_EQ(outcome.verdict, Verdict::kOomKill);
  EXPECT_EQ(outcome.services[0].killed + outcome.services[1].killed, 1);
  const ServiceOutcome& dead = outcome.services[0].killed ? outcome.services[0] : outcome.services[1];
  ASSERT_TRUE(dead.killed_at);
  EXPECT_EQ(*dead.killed_at, outcome.oom_kills.front().incident.t);
  EXPECT_EQ(dead.killed_pid, outcome.oom_kills.front().victim.pid);
  EXPECT_THAT(outcome.audit_faults, IsEmpty());
}

TEST(Services, ALimitOfOneServiceIsNoLimitOfTheOther) {
  host::HostSpec host = HostBuilder().node(256_MiB).build();
  host.cgroups.push_back(group("/app/web", 8_MiB));
  Options options = with_services({"web", "db"});
  options.services[0].cgroup = "/app/web";
  Simulation s(host, options);
  ServiceSink first(s, 0), second(s, 1);
  Program web(first, 100), db(second, 10'000'100);
  web.window(64);
  db.window(64);
  db.map(0, 20000);
  db.touch(0, 10000);
  EXPECT_EQ(s.glimpse().verdict, Verdict::kFits);
  web.map(0, 20000);
  web.touch(0, 4000);
  const Outcome outcome = s.finish();
  EXPECT_EQ(outcome.services[0].killed, 1);
  EXPECT_EQ(outcome.services[0].cgroup, "/app/web");
  EXPECT_LT(outcome.services[0].cgroup_peak, 9_MiB);
  EXPECT_EQ(outcome.services[1].killed, 0);
  EXPECT_EQ(outcome.services[1].cgroup, "");
  EXPECT_THAT(outcome.audit_faults, IsEmpty());
}

TEST(Services, ThePagesOfTheIdleOneAreTakenForTheBusyOne) {
  Simulation s(HostBuilder().node(64_MiB).swap(128_MiB).build(), with_services({"idle", "busy"}));
  ServiceSink first(s, 0), second(s, 1);
  Program idle(first, 100), busy(second, 10'000'100);
  idle.window(64);
  busy.window(64);
  idle.map(0, 8000);
  idle.touch(0, 8000);
  busy.map(0, 20000);
  busy.touch(0, 14000);
  idle.touch(0, 100);
  const Outcome outcome = s.finish();
  const ServiceOutcome &of_idle = outcome.services[0], &of_busy = outcome.services[1];
  EXPECT_GT(of_idle.swap_outs, 0);
  EXPECT_GT(of_idle.swap_ins, 0);
  EXPECT_EQ(of_idle.swap_outs + of_busy.swap_outs, outcome.counters[host::Vmstat::pswpout]);
  EXPECT_EQ(of_idle.swap_ins + of_busy.swap_ins, outcome.counters[host::Vmstat::pswpin]);
  int64_t taken = 0;
  for (const TakenBy& by : of_idle.taken_by) {
    EXPECT_THAT(by.service, testing::AnyOf(Eq(""), Eq("busy"), Eq("idle")));
    taken += by.pages;
  }
  EXPECT_GT(taken, 4000);
  EXPECT_GE(of_busy.stall.total, 0_ns);
  EXPECT_EQ((of_idle.stall.direct_reclaim_total + of_busy.stall.direct_reclaim_total),
            outcome.stall.direct_reclaim_total);
  EXPECT_THAT(outcome.audit_faults, IsEmpty());
}

TEST(Services, SharedMemoryIsOfTheServiceThatMadeIt) {
  Simulation s(HostBuilder().node(64_MiB).swap(64_MiB).build(), with_services({"web", "db"}));
  ServiceSink first(s, 0), second(s, 1);
  Program web(first, 100), db(second, 10'000'100);
  web.window(64);
  db.window(64);
  web.file_in_memory(7);
  web.write_file(7, 0, 2000);
  db.map(0, 20000);
  db.touch(0, 15000);
  web.read_file(7, 0, 500);
  web.truncate_file(7, 100);
  const Outcome outcome = s.finish();
  EXPECT_GE(outcome.services[0].footprint_peak, to_bytes(2000_pages));
  EXPECT_GT(outcome.services[0].swap_outs, 0);
  EXPECT_THAT(outcome.audit_faults, IsEmpty());
}

TEST(Services, AServiceBeginsAtItsStart) {
  Options options = with_services({"early", "late"});
  options.services[1].start = 10_s;
  Simulation s(HostBuilder().node(64_MiB).build(), options);
  ServiceSink first(s, 0), second(s, 1);
  Program early(first, 100);
  early.sleep(1_s);
  trace::Event event;
  event.kind = trace::EventKind::kProcessStart;
  event.pid = event.tid = 10'000'100;
  EXPECT_EQ(s.due(event, 1), 10_s);
  Program late(second, 10'000'100);
  EXPECT_EQ(s.now(), 10_s);
  event.pid = event.tid = 100;
  event.kind = trace::EventKind::kClock;
  event.wait_ns = 500'000'000;
  EXPECT_EQ(s.due(event, 0), Nanoseconds(1'500'000'000));
}

TEST(Services, EachHasItsOwnPlace) {
  Options options = with_services({"a", "b"});
  options.services[0].oom_score_adj = 300;
  options.services[0].recorder_cpu_loop_20m_ns = 20'000'000;  // twice as fast as the host (HostBuilder: 40 ms)
  options.services[1].cpu_node = 1;
  Simulation s(HostBuilder().node(64_MiB).node(64_MiB).build(), options);
  ServiceSink first(s, 0), second(s, 1);
  Program a(first, 100), b(second, 10'000'100);
  a.window(64);
  b.window(64);
  b.map(0, 4000);
  b.touch(0, 4000);
  Program child = a.fork(101);
  child.touch(0, 1);
  const Nanoseconds before = s.now();
  trace::Event event;
  event.pid = event.tid = 100;
  event.compute_ns = 1'000'000'000;
  EXPECT_GE(*s.due(event, 0), 2_s);
  EXPECT_LT(*s.due(event, 0), before + 2_s + 1_ms);
  const Outcome outcome = s.finish();
  EXPECT_EQ(outcome.app.processes[0].oom_score_adj, 300);
  EXPECT_EQ(outcome.app.processes[1].oom_score_adj, 0);
  const auto node1 = outcome.moments.back().nodes[1];
  EXPECT_GT(node1.lru.inactive_anon + node1.lru.active_anon, 3900_pages);
}

TEST(Services, WhoeverHasNotBegunKeepsAHostWithAStuckServiceGoing) {
  host::HostSpec host = HostBuilder().node(256_MiB).build();
  host.cgroups.push_back(group("/app/stuck", 4_MiB));
  Options options = with_services({"stuck", "late"});
  options.services[0].cgroup = "/app/stuck";
  options.services[0].oom_score_adj = -1000;
  options.services[1].start = 60_s;
  Simulation s(host, options);
  ServiceSink first(s, 0), second(s, 1);
  Program stuck(first, 100);
  stuck.window(64);
  stuck.map(0, 4000);
  stuck.touch(0, 4000);
  Program late(second, 10'000'100);
  late.map(0, 1000);
  late.touch(0, 1000);
  const Outcome outcome = s.finish();
  EXPECT_TRUE(outcome.services[0].stuck_at);
  EXPECT_FALSE(outcome.halted);
  EXPECT_EQ(outcome.services[1].footprint_peak, to_bytes(1000_pages));
}

}  // namespace
}  // namespace oomcast::sim
