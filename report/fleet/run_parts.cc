// Gets all parts of a sweep done by an engine. See run_parts.h.
#include "report/fleet/run_parts.h"

#include <algorithm>
#include <map>
#include <set>

#include "report/fleet/part.h"

namespace oomcast::report {
namespace {

constexpr double kShortestPauseS = 0.2, kLongestPauseS = 5;
/// Interval of listing the folder, seconds. This costs the engine nothing.
constexpr double kLookS = 0.5;
/// A network file system may show a file late. A part is lost when this many answers of the engine lacked part and
/// file.
constexpr int kLooksUntilLost = 4;
/// Answers that may fail in a row: about five minutes with the longest pauses.
constexpr int kFailuresMost = 60;
constexpr int kTriesMost = 2;

class Waiting {
 public:
  Waiting(PartQueue& queue, const PartsWatch& watch) : queue_(queue), watch_(watch) {}

  Result<std::vector<size_t>> run() {
    for (double pause_s = kShortestPauseS;; pause_s = std::min(pause_s * 1.5, kLongestPauseS)) {
      // before the files are listed: a task that ends in between has its file then
      const auto queued = queue_.queued();
      const std::vector<size_t> missing = watch_.missing();
      watch_.progress(missing);
      if (missing.empty()) return missing;
      if (!queued) {
        if (++failures_ >= kFailuresMost)
          return Error{queued.error().message + "; the tasks may run all the same: the same call again goes on"};
      } else {
        failures_ = 0;
        say_what_it_waits_for(queued.value());
        if (auto lost = take_care_of_lost(missing, queued.value()); !lost) return lost.error();
        if (std::all_of(missing.begin(), missing.end(), [&](size_t part) { return given_up_.contains(part); }))
          return missing;
      }
      wait(pause_s);
    }
  }

 private:
  void wait(double pause_s) const {
    for (double left_s = pause_s; left_s > 0; left_s -= kLookS) {
      watch_.pause(std::min(left_s, kLookS));
      if (watch_.missing().empty()) return;
    }
  }

  void say_what_it_waits_for(const QueuedParts& queued) {
    if (queued.waiting_for.empty() || queued.waiting_for == said_) return;
    said_ = queued.waiting_for;
    watch_.say("no part runs yet; the engine's reason: " + said_);
  }

  Result<void> take_care_of_lost(const std::vector<size_t>& missing, const QueuedParts& queued) {
    std::vector<size_t> again;
    for (const size_t part : missing) {
      int& looks = looks_[part];
      looks = queued.parts.contains(part) ? 0 : looks + 1;
      if (looks < kLooksUntilLost || given_up_.contains(part)) continue;
      looks = 0;
      if (++tries_[part] < kTriesMost)
        again.push_back(part);
      else
        given_up_.insert(part);
    }
    if (again.empty()) return {};
    watch_.say("the task of part " + numbers_text(again) + " has ended without a result; it is submitted again");
    return queue_.submit(again);
  }

  PartQueue& queue_;
  const PartsWatch& watch_;
  std::map<size_t, int> looks_, tries_;
  std::set<size_t> given_up_;
  std::string said_;
  int failures_ = 0;
};

}  // namespace

Result<size_t> submit_missing(PartQueue& queue, const PartsWatch& watch) {
  const auto queued = queue.queued();
  if (!queued) return queued.error();
  std::vector<size_t> parts = watch.missing();
  std::erase_if(parts, [&](size_t part) { return queued->parts.contains(part); });
  if (parts.empty()) return size_t{0};
  if (auto submitted = queue.submit(parts); !submitted) return submitted.error();
  return parts.size();
}

Result<std::vector<size_t>> wait_for_parts(PartQueue& queue, const PartsWatch& watch) {
  return Waiting(queue, watch).run();
}

}  // namespace oomcast::report
