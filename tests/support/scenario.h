// Random hosts and random programs, as values that rapidcheck can print and shrink.
//
// Swarm testing: each scenario also draws which kinds of steps it leaves out, so that one run only forks and another
// never unmaps.
#pragma once

#include <rapidcheck.h>

#include <array>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "tests/support/host_builder.h"
#include "tests/support/program.h"

namespace oomcast::support {

enum class StepKind : uint8_t {
  kTouch,
  kRead,
  kMap,
  kUnmap,
  kGiveBack,
  kFreeLazily,
  kFork,
  kExit,
  kMove,
  kSleep,
  kThread,
  kPolicy,
  kBind,
  kHuge,
  kWriteMemoryFile,
  kTouchMemoryFile,
  kCutMemoryFile,
  kLock,
  kUnlock,
  kLockAll
};
inline constexpr int kStepKinds = 20;
inline constexpr std::array kStepNames = {"touch",
                                          "read",
                                          "map",
                                          "unmap",
                                          "give_back",
                                          "free_lazily",
                                          "fork",
                                          "exit",
                                          "move",
                                          "sleep",
                                          "thread",
                                          "policy",
                                          "bind",
                                          "huge",
                                          "write_memory_file",
                                          "touch_memory_file",
                                          "cut_memory_file",
                                          "lock",
                                          "unlock",
                                          "lock_all"};

struct Step {
  StepKind kind = StepKind::kTouch;
  uint8_t who = 0;     // which of the living processes and threads, modulo their number
  uint16_t first = 0;  // page
  uint16_t pages = 1;
};

struct HostShape {
  uint16_t pages = 12000;    // of the first node
  uint16_t second_node = 0;  // pages; 0: none
  uint16_t cache = 0;        // page cache on the first node
  uint16_t swap = 0;         // pages; 0: none
  uint16_t limit = 0;        // memory.max of the program in pages; 0: no cgroup
  uint8_t cpus = 1;
  uint8_t swappiness = 60;
  uint8_t huge = 0;        // 0: never; 1 to 5: always, with defrag mode + 1; 6 to 10: madvise, with defrag mode + 6
  bool bystander = false;  // another process with 4 MiB
  bool newer = false;      // kernel 6.12
  bool multi_gen = false;  // the multi-gen LRU
  uint8_t v1 = 0;          // cgroup v1; 2: with 1000 pages of swap beyond the limit; 3: with a soft limit of 1000 pages
};

struct Scenario {
  HostShape host;
  uint32_t left_out = 0;  // bit per StepKind
  std::vector<Step> steps;
};

inline std::ostream& operator<<(std::ostream& out, const HostShape& h) {
  return out << "host of " << h.pages << "+" << h.second_node << " pages, cache " << h.cache << ", swap " << h.swap
             << ", memory.max " << h.limit << ", " << int{h.cpus} << " CPUs, swappiness " << int{h.swappiness}
             << ", huge pages " << int{h.huge} << (h.bystander ? ", bystander" : "") << (h.newer ? ", 6.12" : ", 6.1")
             << (h.multi_gen ? ", multi-gen LRU" : "") << ", cgroup v1 " << int{h.v1};
}
inline std::ostream& operator<<(std::ostream& out, const Step& s) {
  return out << kStepNames[static_cast<size_t>(s.kind)] << "(" << int{s.who} << ", " << s.first << ", " << s.pages
             << ")";
}
inline std::ostream& operator<<(std::ostream& out, const Scenario& s) {
  out << s.host << "; left out " << s.left_out << ";";
  for (const Step& step : s.steps) out << " " << step;
  return out;
}

inline host::HostSpec build(const HostShape& h) {
  HostBuilder builder;
  builder.kernel(6, h.newer ? 12 : 1).plain_node(Pages(h.pages)).cpus(h.cpus).page_cache(Pages(h.cache));
  if (h.multi_gen) builder.multi_gen();
  if (h.second_node > 0) builder.plain_node(Pages(h.second_node)).cpus(h.cpus);
  if (h.swap > 0) builder.swap(to_bytes(Pages(h.swap)));
  if (h.huge > 0)
    builder.huge_pages(h.huge > 5 ? host::ThpMode::kMadvise : host::ThpMode::kAlways,
                       static_cast<host::ThpDefrag>((h.huge - 1) % 5));
  if (h.bystander) builder.process(50, "bystander", 4_MiB);
  if (h.limit > 0) builder.limit(to_bytes(Pages(h.limit)));
  // These scenarios are not about address space: it is never refused.
  host::HostSpec spec = builder.set("vm.swappiness", h.swappiness).set("vm.overcommit_memory", 1).build();
  if (h.limit == 0 || h.v1 == 0) return spec;
  spec.cgroup.v1 = true;
  if (h.v1 == 2) spec.cgroup.memory_memsw_max = to_bytes(Pages(h.limit + 1000)).count();
  if (h.v1 == 3) spec.cgroup.memory_soft_limit = to_bytes(Pages(1000)).count();
  return spec;
}

/// Feeds the steps to `sink`, and calls `each` after every step. Processes that have exited are not used any more.
template <class Each>
void play(const Scenario& scenario, trace::EventSink& sink, Each each) {
  constexpr uint64_t kThreadsAtMost = 8, kWindow = 512, kMemoryFile = 7, kFileMappedAt = 1 << 17;
  std::vector<Program> running{Program(sink, 100)};
  running[0].window(kWindow);
  running[0].map(0, 1 << 16);
  running[0].file_in_memory(kMemoryFile);
  running[0].map_file(kFileMappedAt, 1 << 15, kMemoryFile, trace::kWritable);
  uint32_t next_pid = 101;
  for (const Step& step : scenario.steps) {
    if ((scenario.left_out >> static_cast<int>(step.kind)) & 1 || running.empty()) continue;
    Program& p = running[step.who % running.size()];
    switch (step.kind) {
      case StepKind::kTouch:
        p.touch(step.first, step.pages);
        break;
      case StepKind::kRead:
        p.read(step.first, step.pages);
        break;
      case StepKind::kMap:
        p.map(step.first, step.pages);
        break;
      case StepKind::kUnmap:
        p.unmap(step.first, step.pages);
        break;
      case StepKind::kGiveBack:
        p.give_back(step.first, step.pages);
        break;
      case StepKind::kFreeLazily:
        p.free_lazily(step.first, step.pages);
        break;
      case StepKind::kMove:
        p.move(step.first, uint64_t{step.first} ^ (1 << 15), step.pages);
        break;
      case StepKind::kSleep:
        p.sleep(Nanoseconds(1'000'000) * step.pages);
        break;
      case StepKind::kExit:
        if (!p.leads()) break;  // only the first thread exits, and its process with all threads
        p.exit();
        std::erase_if(running, [pid = p.pid()](const Program& each_program) { return each_program.pid() == pid; });
        break;
      case StepKind::kFork:
        if (running.size() < kThreadsAtMost) running.push_back(Program(p.fork(next_pid++)).window(kWindow));
        break;
      case StepKind::kPolicy:
        p.set_policy(static_cast<trace::PolicyMode>(step.first % 7), step.pages);
        break;
      case StepKind::kBind:
        p.bind(step.first, step.pages, static_cast<trace::PolicyMode>(step.pages % 7), step.first);
        break;
      case StepKind::kHuge:
        p.advise_huge(step.first, step.pages, step.pages % 4 != 0);
        break;
      case StepKind::kWriteMemoryFile:
        p.write_file(kMemoryFile, step.first, step.pages);
        break;
      case StepKind::kTouchMemoryFile:
        p.touch(kFileMappedAt + step.first, step.pages);
        break;
      case StepKind::kCutMemoryFile:
        if (step.pages % 2 == 0)
          p.truncate_file(kMemoryFile, step.first);
        else
          p.punch_file(kMemoryFile, step.first, step.pages);
        break;
      case StepKind::kLock:
        p.lock(step.first, step.pages, step.pages % 2 == 0);
        break;
      case StepKind::kUnlock:
        p.unlock(step.first, step.pages);
        break;
      case StepKind::kLockAll:  // one in four locks; half of these lock what is mapped
        p.lock_all(step.pages % 4 == 0 && step.first % 2 == 0, step.pages % 4 == 0, step.first % 3 == 0);
        break;
      case StepKind::kThread:
        if (running.size() < kThreadsAtMost)
          running.push_back(Program::thread(sink, p.pid(), next_pid++).window(kWindow));
        break;
    }
    each();
  }
}
inline void play(const Scenario& scenario, trace::EventSink& sink) {
  play(scenario, sink, [] {});
}

}  // namespace oomcast::support

namespace rc {

template <>
struct Arbitrary<oomcast::support::Step> {
  static Gen<oomcast::support::Step> arbitrary() {
    using oomcast::support::Step;
    using oomcast::support::StepKind;
    // At least every second step touches memory; otherwise memory would never be short.
    const auto kind = gen::oneOf(gen::just(StepKind::kTouch), gen::map(gen::inRange(0, oomcast::support::kStepKinds),
                                                                       [](int i) { return static_cast<StepKind>(i); }));
    return gen::build<Step>(gen::set(&Step::kind, kind), gen::set(&Step::who, gen::inRange<uint8_t>(0, 8)),
                            gen::set(&Step::first, gen::resize(100, gen::inRange<uint16_t>(0, 16000))),
                            gen::set(&Step::pages, gen::resize(100, gen::inRange<uint16_t>(1, 3000))));
  }
};

template <>
struct Arbitrary<oomcast::support::HostShape> {
  static Gen<oomcast::support::HostShape> arbitrary() {
    using oomcast::support::HostShape;
    return gen::build<HostShape>(
        gen::set(&HostShape::pages, gen::resize(100, gen::inRange<uint16_t>(4000, 14000))),
        gen::set(&HostShape::second_node, gen::element<uint16_t>(0, 0, 6000)),
        gen::set(&HostShape::cache, gen::resize(100, gen::inRange<uint16_t>(0, 3000))),
        gen::set(&HostShape::swap, gen::element<uint16_t>(0, 500, 4000, 20000)),
        gen::set(&HostShape::limit, gen::element<uint16_t>(0, 0, 4000)),
        gen::set(&HostShape::cpus, gen::inRange<uint8_t>(1, 4)),
        gen::set(&HostShape::swappiness, gen::element<uint8_t>(0, 60, 60, 200)),
        gen::set(&HostShape::huge, gen::oneOf(gen::just<uint8_t>(0), gen::inRange<uint8_t>(1, 11))),
        gen::set(&HostShape::bystander), gen::set(&HostShape::newer), gen::set(&HostShape::multi_gen),
        gen::set(&HostShape::v1, gen::inRange<uint8_t>(0, 4)));
  }
};

template <>
struct Arbitrary<oomcast::support::Scenario> {
  static Gen<oomcast::support::Scenario> arbitrary() {
    using oomcast::support::Scenario;
    // kTouch is never left out: bit 0 of the mask is clear.
    const auto mask = gen::map(gen::inRange<uint32_t>(0, 1u << oomcast::support::kStepKinds),
                               [](uint32_t bits) { return bits & ~1u; });
    return gen::build<Scenario>(
        gen::set(&Scenario::host), gen::set(&Scenario::left_out, mask),
        gen::set(&Scenario::steps, gen::scale(1.5, gen::arbitrary<std::vector<oomcast::support::Step>>())));
  }
};

}  // namespace rc
