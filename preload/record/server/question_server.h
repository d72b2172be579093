// QuestionServer: answers the questions that lie in the guests' mailboxes. The doorbell's thread does, while the loop
// waits for other things: one lock keeps them apart, so the order in which they get it is the order of the events.
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
  /// Does something that takes long and touches nothing shared, as waiting does, without the lock.
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
  /// Who knows the answers. All are called under the lock.
  struct Answers {
    std::function<void(Process&)> drain_ring;  // its ring fills
    std::function<bool(Process&, const ring::Request&)>
        is_refused;                      // answers the question: the target refuses the memory
    std::function<void()> all_answered;  // all mailboxes have been read
  };
  QuestionServer(ProcessTable& processes, Answers answers) : processes_(processes), answers_(std::move(answers)) {}
  ~QuestionServer() { stop(); }

  /// The lock over all that the two threads share; the loop lets go of it only while it waits.
  HeldLock lock() { return HeldLock(mutex_); }
  /// From now on the doorbell's thread answers. `answered`: called there, under the lock, each time that it has.
  void start(std::function<void()> answered);
  void stop() { doorbell_.stop(); }
  const Doorbell& doorbell() const { return doorbell_; }

  void answer(Process& process, const HeldLock& held);
  void answer_all(const HeldLock& held);
  /// If anybody has rung since the last call. A busy loop takes the lock again before the other thread gets it.
  void answer_rings(const HeldLock& held);

 private:
  ProcessTable& processes_;
  Answers answers_;
  std::mutex mutex_;
  uint32_t answered_rings_ = 0;  // under the lock
  Doorbell doorbell_;            // last: its thread uses all the others
};

}  // namespace oomcast::record
