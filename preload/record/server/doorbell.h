// Hears a guest that asks something: a thread that waits on the doorbell that all guests share. One page, mapped by
// each.
#pragma once

#include <linux/futex.h>

#include <cstddef>
#include <functional>
#include <thread>

#include "preload/record/kernel/sealed_memory.h"
#include "preload/record/kernel/unique_fd.h"
#include "preload/ring/mailbox.h"

namespace oomcast::record {

class Doorbell {
 public:
  Doorbell();
  ~Doorbell();
  Doorbell(const Doorbell&) = delete;
  Doorbell& operator=(const Doorbell&) = delete;

  bool valid() const { return bell_ != nullptr; }
  /// For the guests.
  const UniqueFd& memory() const { return memory_; }
  /// From now on `answer` is called whenever somebody has rung, in a thread of its own. The guests learn it from the
  /// kernel if the thread that calls this is gone.
  void listen(std::function<void()> answer);
  /// Nobody is listened to any more, and the guests know it.
  void stop();
  /// Changes whenever somebody rings.
  uint32_t rings() const { return bell_->rings.load(std::memory_order_acquire); }
  /// The thread that answers; 0: none.
  int answering_tid() const { return tid_.load(); }

 private:
  UniqueFd memory_;
  ring::Doorbell* bell_ = nullptr;
  std::thread thread_;
  std::atomic<int> tid_{0};
  std::atomic<bool> stopping_{false};
  // A list of one for the kernel: on the death of the thread that registered it, the recorder's word is marked.
  robust_list entry_{};
  robust_list_head mine_{};
  robust_list_head* before_ = nullptr;
};

}  // namespace oomcast::record
