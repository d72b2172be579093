// QuestionServer: answers the questions in the guests' mailboxes, in the doorbell's thread, while the loop waits for
// other sources. One lock guards all that both threads use, so events are in the order in which the lock was taken.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>

#include "preload/record/guest/process_table.h"
#include "preload/record/server/doorbell.h"
#include "preload/ring/protocol.h"

namespace oomcast::record {

/// Proof that the caller holds the lock over all that the two threads share.
class HeldLock {
 public:
  /// Runs `f` without the lock and returns its result. REQUIRES: `f` touches nothing shared.
  template <class F>
  auto without(F f) {
    lock_.unlock();
    auto result = f();
    lock_.lock();
    return result;
  }

 private:
  friend class QuestionServer;
  explicit HeldLock(std::mutex& mutex) : lock_(mutex) {}
  std::unique_lock<std::mutex> lock_;
};

class QuestionServer {
 public:
  /// How to answer. All are called under the lock.
  struct Answers {
    std::function<void(Process&)> drain_ring;  // reads the notes of a guest whose ring fills
    std::function<ring::ReplyStatus(Process&, const ring::Request&)> reply_to;  // carries out a question
    std::function<void()> all_answered;                                         // called after all mailboxes were read
  };
  QuestionServer(ProcessTable& processes, Answers answers) : processes_(processes), answers_(std::move(answers)) {}
  ~QuestionServer() { stop(); }

  /// Takes the lock. The loop releases it only while it waits.
  HeldLock lock() { return HeldLock(mutex_); }
  /// Starts the doorbell's thread. `answered`: called there, under the lock, each time the thread has answered.
  void start(std::function<void()> answered);
  void stop() { doorbell_.stop(); }
  const Doorbell& doorbell() const { return doorbell_; }

  /// Answers the question of the process, if there is one, and has its ring read if that fills.
  void answer(Process& process, const HeldLock& held);
  /// Does so for all processes, then calls Answers::all_answered.
  void answer_all(const HeldLock& held);
  /// Answers all questions if a guest has rung since the last call. For the loop: while it is busy it takes the lock
  /// again before the doorbell's thread gets it.
  void answer_rings(const HeldLock& held);

 private:
  ProcessTable& processes_;
  Answers answers_;
  std::mutex mutex_;
  uint32_t answered_rings_ = 0;  // value of Doorbell::rings() at the last answer; under the lock
  Doorbell doorbell_;            // last: its thread uses all the others
};

}  // namespace oomcast::record
