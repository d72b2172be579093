// QuestionServer: reads one mailbox for each guest after a ring of the doorbell.
#include "preload/record/server/question_server.h"

#include <utility>

namespace oomcast::record {

void QuestionServer::start(std::function<void()> answered) {
  doorbell_.listen([this, answered = std::move(answered)] {
    const HeldLock held(mutex_);
    answer_rings(held);
    answered();
  });
}

void QuestionServer::answer(Process& process, const HeldLock&) {
  if (process.shared && (*process.shared)->ring_fills.exchange(0, std::memory_order_relaxed) != 0)
    answers_.drain_ring(process);
  if (!process.shared || !ring::has_question((*process.shared)->mailbox)) return;
  const uint32_t pid = process.pid;
  const ring::Request question = (*process.shared)->mailbox.question;
  const bool whole = question.magic == ring::kMagic && question.version == ring::kVersion;
  const ring::ReplyStatus status = whole ? answers_.reply_to(process, question) : ring::ReplyStatus::kStayOut;
  // While its question was answered, the process may have ended or exec'ed another program.
  if (processes_.find(pid) != &process || !process.shared) return;
  ring::answer((*process.shared)->mailbox, status, shared_futex);
}

void QuestionServer::answer_all(const HeldLock& held) {
  for (auto at = processes_.begin(); at != processes_.end();) {
    const uint32_t pid = at->first;
    answer(*at->second, held);
    at = processes_.upper_bound(pid);
  }
  answers_.all_answered();
}

void QuestionServer::answer_rings(const HeldLock& held) {
  if (const uint32_t rings = doorbell_.rings(); std::exchange(answered_rings_, rings) != rings) answer_all(held);
}

}  // namespace oomcast::record
