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
  std::unique_lock<std::mutex> lock() { return std::unique_lock(mutex_); }
  /// From now on the doorbell's thread answers. `answered`: called there, under the lock, each time that it has.
  void start(std::function<void()> answered);
  void stop() { doorbell_.stop(); }
  const Doorbell& doorbell() const { return doorbell_; }

  // REQUIRES: the caller holds the lock.
  void answer(Process& process);
  void answer_all();
  /// If anybody has rung since the last call. A busy loop takes the lock again before the other thread gets it.
  void answer_rings();

 private:
  ProcessTable& processes_;
  Answers answers_;
  std::mutex mutex_;
  uint32_t answered_rings_ = 0;  // under the lock
  Doorbell doorbell_;            // last: its thread uses all the others
};

}  // namespace oomcast::record
