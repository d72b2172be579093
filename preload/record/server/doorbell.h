// Doorbell: a thread of the recorder that waits until a guest rings. The doorbell is one page that all guests map
// (ring::Doorbell).
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
  /// The sealed memory of the page, for the guests to map.
  const UniqueFd& memory() const { return memory_; }
  /// Starts the thread: it calls `answer` at once, and again after each ring. REQUIRES: valid(). If the thread that
  /// calls listen() ends in any way, the kernel sets FUTEX_OWNER_DIED in the page, which the guests see.
  void listen(std::function<void()> answer);
  /// Ends the thread, and sets FUTEX_OWNER_DIED so that no guest waits for an answer any more.
  void stop();
  /// How often guests have rung; may wrap.
  uint32_t rings() const { return bell_->rings.load(std::memory_order_acquire); }
  /// Thread id of the thread that answers; 0: it does not run yet.
  int answering_tid() const { return tid_.load(); }

 private:
  UniqueFd memory_;
  ring::Doorbell* bell_ = nullptr;
  std::thread thread_;
  std::atomic<int> tid_{0};
  std::atomic<bool> stopping_{false};
  // A robust list with one entry. When the thread that registered it ends, the kernel marks `recorder` in the page.
  robust_list entry_{};
  robust_list_head mine_{};
  robust_list_head* before_ = nullptr;
};

}  // namespace oomcast::record
