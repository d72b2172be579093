// Answers the questions that lie in the guests' mailboxes. The doorbell's thread does, while the loop waits for other things: one
// lock keeps them apart, so the order in which they get it is the order of the events.
#include <sys/eventfd.h>
#include <unistd.h>

#include <utility>

#include "preload/record/session.h"

namespace oomcast::record {

void Session::answer(Process& process) {
  if (process.shared && (*process.shared)->ring_fills.exchange(0, std::memory_order_relaxed) != 0) drain_ring(process);
  if (!process.shared || !ring::has_question((*process.shared)->mailbox)) return;
  const uint32_t pid = process.pid;
  const ring::Request question = (*process.shared)->mailbox.question;
  const bool whole = question.magic == ring::kMagic && question.version == ring::kVersion;
  const bool refused = whole && on_request(process, question);
  // The process may have ended, or become another program, while we looked.
  Process* const still = find(pid);
  if (still != &process || !process.shared) return;
  ring::answer((*process.shared)->mailbox, !whole ? ring::ReplyStatus::kStayOut : refused ? ring::ReplyStatus::kRefused : ring::ReplyStatus::kTracked, shared_futex);
}

void Session::answer_all() {
  for (auto at = processes_.begin(); at != processes_.end();) {
    const uint32_t pid = at->first;
    answer(*at->second);
    at = processes_.upper_bound(pid);
  }
  take_in_silent_children();
}

void Session::answer_rings() {
  if (const uint32_t rings = doorbell_.rings(); std::exchange(answered_rings_, rings) != rings) answer_all();
}

/// In the doorbell's thread.
void Session::on_ring() {
  const std::lock_guard lock(mutex_);
  answer_rings();
  // What was asked may have to be looked at again earlier than the loop means to wake up.
  if (const uint64_t one = 1; next_deadline_ns() < sleeps_until_ns_) static_cast<void>(!::write(wake_up_.get(), &one, sizeof one));
}

void Session::start_answering() {
  wake_up_ = UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  watch(wake_up_.get(), kWakeUp, 0);
  doorbell_.listen([this] { on_ring(); });
}

}  // namespace oomcast::record
