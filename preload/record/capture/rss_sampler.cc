// RssSampler: samples how much memory all processes have together. Reading the kernel's counts costs 2 us a process.
#include "preload/record/capture/rss_sampler.h"

#include <fcntl.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "preload/record/kernel/living_thread.h"
#include "preload/record/kernel/proc_file.h"
#include "preload/record/kernel/proc_maps.h"

namespace oomcast::record {
namespace {

constexpr std::chrono::milliseconds kBusy{2}, kSlow{8}, kQuiet{20};
constexpr int kSamplesAfterFork = 100;
constexpr uint64_t kNewsPart = 256;  // a change by more than this part of the sum: the next sample comes after kBusy

}  // namespace

RssSampler::~RssSampler() { stop(); }

void RssSampler::watch(uint32_t pid, uint64_t inherited_pages) {
  UniqueFd statm(::open((proc_of(pid) + "statm").c_str(), O_RDONLY | O_CLOEXEC));
  if (!statm) return;
  const auto state = state_.lock();
  if (state->stopped) return;
  Watched& watched = state->watched[pid] = Watched{};
  watched.statm = std::move(statm);
  watched.inherited_pages = inherited_pages;
  if (thread_.joinable()) return;
  // Signals are for the loop.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void RssSampler::forget(uint32_t pid) { state_.lock()->watched.erase(pid); }

void RssSampler::stop() {
  {
    const auto state = state_.lock();
    state->stopped = true;
    state->watched.clear();
  }
  woken_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void RssSampler::set_known(const PeakMeter::Known& known) { *known_.lock() = known; }

RssSampler::Peak RssSampler::take() { return std::exchange(state_.lock()->peak, {}); }

uint64_t RssSampler::most_shared_pages(uint32_t pid) {
  const auto state = state_.lock();
  const auto at = state->watched.find(pid);
  return at == state->watched.end() ? 0 : at->second.most_shared_pages;
}

void RssSampler::has_forked(uint32_t pid) {
  const auto state = state_.lock();
  const auto at = state->watched.find(pid);
  if (at == state->watched.end()) return;
  Watched& watched = at->second;
  const std::string number = std::to_string(pid);
  if (!watched.children)
    watched.children =
        UniqueFd(::open(("/proc/" + number + "/task/" + number + "/children").c_str(), O_RDONLY | O_CLOEXEC));
  watched.samples_with_children = kSamplesAfterFork;
}

/// A process with fewer pages than it has inherited (after an exec, for example) does not share the difference any
/// more.
RssSampler::Had RssSampler::had(uint64_t counted_pages, uint64_t* inherited_pages) {
  *inherited_pages = std::min(*inherited_pages, counted_pages);
  return {counted_pages, counted_pages - *inherited_pages};
}

/// The pages of the children of the process's first thread that are not sampled themselves. A fork gives the child all
/// pages of the parent.
RssSampler::Had RssSampler::had_by_pending_children(const State& state, Watched& watched, uint64_t parents_pages) {
  Had all;
  if (watched.samples_with_children == 0 || !watched.children) return all;
  std::map<uint32_t, uint64_t> living;
  if (--watched.samples_with_children > 0) {
    for (const uint32_t pid : pids_in(read_whole(watched.children.get()))) {
      if (state.watched.contains(pid)) continue;
      const auto known = watched.pending_children.find(pid);
      uint64_t& inherited = living[pid] = known != watched.pending_children.end() ? known->second : parents_pages;
      const Had one = had(resident_of(read_line_of(proc_of(pid) + "statm")).own_pages, &inherited);
      all.counted += one.counted;
      all.own += one.own;
    }
  }
  watched.pending_children = std::move(living);
  return all;
}

/// The first thread has ended: reads the counts of another from now on. A zombie process is looked at only once.
bool RssSampler::follow_living_thread(uint32_t pid, Watched& watched) {
  if (watched.memory_gone) return false;
  const uint32_t tid = living_thread(pid);
  watched.memory_gone = tid == 0;
  if (tid != 0) watched.statm = UniqueFd(::open((proc_of(pid, tid) + "statm").c_str(), O_RDONLY | O_CLOEXEC));
  return tid != 0;
}

/// Takes a sample, `apart` after the last one. Returns the time to the next.
std::chrono::milliseconds RssSampler::sample(State& state, std::chrono::milliseconds apart) {
  uint64_t pages = 0, summed = 0, most = 0;
  uint32_t fullest = 0;
  // Read before the counts: pages that a scan finds meanwhile count as found since the sample.
  const PeakMeter::Known known = *known_.lock();
  for (auto& [pid, watched] : state.watched) {
    Resident resident = resident_of(read_line(watched.statm.get()));
    if (resident.size_pages == 0 && follow_living_thread(pid, watched))
      resident = resident_of(read_line(watched.statm.get()));
    watched.most_shared_pages = std::max(watched.most_shared_pages, resident.shared_pages);
    const Had one = had(resident.own_pages, &watched.inherited_pages),
              pending_children = had_by_pending_children(state, watched, resident.own_pages);
    pages += one.own + pending_children.own;
    summed += one.counted + pending_children.counted;
    if (one.counted <= most) continue;
    most = one.counted;
    fullest = pid;
  }
  last_own_pages_.store(pages, std::memory_order_relaxed);
  if (pages > state.peak.highest.pages) {
    state.peak.highest = {pages, known};
    state.peak.pid = fullest;
  }
  if (summed > state.peak.summed_pages) {
    state.peak.summed_pages = summed;
    state.peak.pages_then = pages;
  }
  const uint64_t last = std::exchange(state.last_summed_pages, summed);
  const uint64_t change = std::max(last, summed) - std::min(last, summed);
  return change > summed / kNewsPart ? kBusy : std::min(apart * 2, change > 0 ? kSlow : kQuiet);
}

void RssSampler::run() {
  auto state = state_.lock();
  auto apart = kBusy;
  while (!state->stopped) {
    apart = sample(*state, apart);
    woken_.wait_for(state.mutex(), apart, [&] { return state->stopped; });
  }
}

}  // namespace oomcast::record
