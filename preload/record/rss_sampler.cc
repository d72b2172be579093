// How much had all processes together at once? Only the kernel's counts are read here: 2 us a process.
#include "preload/record/rss_sampler.h"

#include <fcntl.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "preload/record/proc_maps.h"

namespace oomcast::record {
namespace {

constexpr std::chrono::milliseconds kBusy{2}, kSlow{8}, kQuiet{20};
constexpr int kSamplesAfterFork = 100;
constexpr uint64_t kNewsPart = 256;  // of what they have

}  // namespace

RssSampler::~RssSampler() { stop(); }

void RssSampler::watch(uint32_t pid) {
  UniqueFd statm(::open(("/proc/" + std::to_string(pid) + "/statm").c_str(), O_RDONLY | O_CLOEXEC));
  if (!statm) return;
  const std::lock_guard lock(mutex_);
  if (stopped_) return;
  watched_[pid] = Watched{std::move(statm), {}, 0, 0};
  if (thread_.joinable()) return;
  // Signals are for the loop.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void RssSampler::forget(uint32_t pid) {
  const std::lock_guard lock(mutex_);
  watched_.erase(pid);
}

void RssSampler::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    watched_.clear();
  }
  woken_.notify_all();
  if (thread_.joinable()) thread_.join();
}

RssSampler::Peak RssSampler::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(peak_, {});
}

uint64_t RssSampler::most_shared_pages(uint32_t pid) {
  const std::lock_guard lock(mutex_);
  const auto at = watched_.find(pid);
  return at == watched_.end() ? 0 : at->second.most_shared_pages;
}

void RssSampler::has_forked(uint32_t pid) {
  const std::lock_guard lock(mutex_);
  const auto at = watched_.find(pid);
  if (at == watched_.end()) return;
  Watched& watched = at->second;
  const std::string number = std::to_string(pid);
  if (!watched.children) watched.children = UniqueFd(::open(("/proc/" + number + "/task/" + number + "/children").c_str(), O_RDONLY | O_CLOEXEC));
  watched.samples_with_children = kSamplesAfterFork;
}

/// Of the children of its first thread that are not watched themselves.
uint64_t RssSampler::newborn_pages(Watched& watched) const {
  if (watched.samples_with_children == 0 || !watched.children) return 0;
  --watched.samples_with_children;
  uint64_t pages = 0;
  for (const uint32_t pid : pids_in(read_whole(watched.children.get())))
    if (!watched_.contains(pid)) pages += resident_of(read_line_of("/proc/" + std::to_string(pid) + "/statm")).own_pages;
  return pages;
}

/// When the next sample should be, if this one comes `apart` after the last. Under the lock.
std::chrono::milliseconds RssSampler::sample(std::chrono::milliseconds apart) {
  Peak now;
  uint64_t most = 0;
  for (auto& [pid, watched] : watched_) {
    const Resident resident = resident_of(read_line(watched.statm.get()));
    watched.most_shared_pages = std::max(watched.most_shared_pages, resident.shared_pages);
    const uint64_t pages = resident.own_pages;
    now.pages += pages + newborn_pages(watched);
    if (pages <= most) continue;
    most = pages;
    now.pid = pid;
  }
  if (now.pages > peak_.pages) peak_ = now;
  const uint64_t last = std::exchange(last_pages_, now.pages);
  const uint64_t change = std::max(last, now.pages) - std::min(last, now.pages);
  return change > now.pages / kNewsPart ? kBusy : std::min(apart * 2, change > 0 ? kSlow : kQuiet);
}

void RssSampler::run() {
  std::unique_lock lock(mutex_);
  auto apart = kBusy;
  while (!stopped_) {
    apart = sample(apart);
    woken_.wait_for(lock, apart, [this] { return stopped_; });
  }
}

}  // namespace oomcast::record
