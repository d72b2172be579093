// Prints one digest per run; scripts/check_determinism compares them across compilers.
#include <cinttypes>
#include <cstdio>
#include <string>
#include <vector>

#include "model/base/random.h"
#include "model/sim/simulation.h"
#include "tests/support/host_builder.h"
#include "tests/support/program.h"

namespace {

using namespace oomcast;
using namespace oomcast::literals;
using support::HostBuilder;
using support::Program;

// A program that does a bit of everything, at random; two threads and a child.
void wander(sim::Simulation& s, uint64_t seed, uint64_t pages, int steps) {
  Random random(Seed{seed});
  Program first(s, 100, "wander");
  first.map(0, pages);
  std::vector<Program> programs{first, Program::thread(s, 100, 101), first.fork(102)};
  for (int i = 0; i < steps; ++i) {
    Program& p = programs[random.below(programs.size())];
    p.pace(Nanoseconds(static_cast<int64_t>(random.below(20'000))));
    p.window(1 + random.below(16));
    const uint64_t at = random.below(pages), count = 1 + random.below(300);
    switch (random.below(12)) {
      case 0:
        p.give_back(at, count);
        break;
      case 1:
        p.free_lazily(at, count);
        break;
      case 2:
        p.read(at, count);
        break;
      case 3:
        p.sleep(Nanoseconds(static_cast<int64_t>(random.below(5'000'000))));
        break;
      case 4:
        p.unmap(at, count);
        break;
      default:
        p.touch(at, count);
        break;
    }
  }
}

void print(const char* name, const HostBuilder& host, uint64_t seed, uint64_t pages, int steps) {
  sim::Simulation s(host.build(), {});
  wander(s, seed, pages, steps);
  const sim::Outcome outcome = s.finish();
  std::printf("%-16s %016" PRIx64 " %s %" PRId64 "\n", name, outcome.digest, sim::verdict_name(outcome.verdict),
              outcome.forecast.count());
}

}  // namespace

int main() {
  print("fits", HostBuilder().node(256_MiB), 1, 20000, 500);
  print("cache", HostBuilder().node(128_MiB).page_cache(12000_pages, 2000_pages), 2, 24000, 500);
  print("swap", HostBuilder().node(96_MiB).cpus(2).swap(256_MiB), 3, 40000, 800);
  print("swap_full", HostBuilder().node(96_MiB).swap(16_MiB).process(50, "idle", 8_MiB), 4, 40000, 500);
  print("numa", HostBuilder().node(64_MiB).node(64_MiB).swap(64_MiB), 5, 40000, 500);
  print("oom", HostBuilder().node(64_MiB).process(50, "sshd", 4_MiB, -1000), 6, 40000, 500);
  print("linux_6_12", HostBuilder().kernel(6, 12).node(96_MiB).cpus(2).swap(256_MiB), 7, 40000, 800);
  print("cgroup", HostBuilder().node(256_MiB).swap(64_MiB).limit(48_MiB), 8, 30000, 500);
  return 0;
}
