// UnansweredFaults: decides about each unanswered fault by the time that its thread has waited.
#include "preload/record/guest/unanswered_faults.h"

#include <algorithm>

namespace oomcast::record {
namespace {

constexpr uint64_t kForgottenNs = 1'000'000'000;  // a woken thread that has not faulted again for so long is forgotten
constexpr uint32_t kLeastAnswers = 3;             // tries before the time counts: the recorder may have been stopped
constexpr size_t kMostThreads = 4096;

bool may_pass(FaultResult result) { return result == FaultResult::kRetry || result == FaultResult::kNoMemory; }

}  // namespace

UnansweredFaults::Next UnansweredFaults::failed(const WindowFill& fill, FaultResult result, uint64_t now_ns) {
  if (threads_.size() >= kMostThreads)
    std::erase_if(threads_, [now_ns](const auto& one) { return now_ns - one.second.last_ns > kForgottenNs; });
  Trouble& trouble = threads_[fill.tid];
  if (trouble.page != fill.page || now_ns - trouble.last_ns > kForgottenNs) trouble = {fill.page, now_ns, now_ns};
  ++trouble.answers;
  trouble.last_ns = now_ns;
  const bool too_long = trouble.answers >= kLeastAnswers && now_ns - trouble.first_ns >= kLongestNs;
  if (too_long || (!may_pass(result) && trouble.answers >= kMostAnswers)) {
    threads_.erase(fill.tid);
    return Next::kLetGo;
  }
  if (!may_pass(result)) return Next::kWake;
  kept_.push_back({fill, now_ns + trouble.rest_ns});
  trouble.rest_ns = std::min(trouble.rest_ns * 2, kLongestRestNs);
  return Next::kTryAgain;
}

std::vector<WindowFill> UnansweredFaults::take(uint64_t now_ns, bool all) {
  std::vector<WindowFill> due;
  std::erase_if(kept_, [&](const Kept& kept) {
    if (!all && kept.due_ns > now_ns) return false;
    // The thread whose event was read still has to wake up and finish its call: the next try comes soon.
    if (const auto thread = threads_.find(kept.fill.tid); all && thread != threads_.end())
      thread->second.rest_ns = kFirstRestNs;
    due.push_back(kept.fill);
    return true;
  });
  return due;
}

uint64_t UnansweredFaults::next_ns() const {
  uint64_t next = UINT64_MAX;
  for (const Kept& kept : kept_) next = std::min(next, kept.due_ns);
  return next;
}

void UnansweredFaults::clear() {
  threads_.clear();
  kept_.clear();
}

}  // namespace oomcast::record
