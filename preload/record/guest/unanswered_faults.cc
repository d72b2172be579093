// Faults that the kernel has not let the recorder answer: what becomes of each, by how long its thread has waited.
#include "preload/record/guest/unanswered_faults.h"

#include <algorithm>

namespace oomcast::record {
namespace {

constexpr uint64_t kForgottenNs = 1'000'000'000;  // a thread that was woken and has not come again since
constexpr uint32_t kLeastAnswers = 3;             // time alone says nothing: the recorder itself may have been stopped
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
    // Who made the call that was read of has yet to wake up: the next try is soon.
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
