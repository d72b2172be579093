// Lets a guest ask the recorder something and wait, without a descriptor of its own. A mailbox in its shared area holds
// one question at a time, and one doorbell for all guests wakes the recorder: both are futexes.
//
// A guest that waits must not wait for a recorder that is gone. The doorbell's `recorder` word is a robust futex: the
// kernel marks it when the thread that it names has ended, whatever ended it.
#pragma once

#include <linux/futex.h>
#include <time.h>

#include <atomic>
#include <cstdint>

#include "preload/ring/protocol.h"

namespace oomcast::ring {

enum MailboxState : uint32_t {
  kEmpty = 0,
  kAsked,
  kAnswered,
  kClosed,  // the recorder no longer serves this process
};

struct Mailbox {
  std::atomic<uint32_t> state;  // MailboxState
  ReplyStatus answer;
  Request question;
};

struct Doorbell {
  std::atomic<uint32_t> rings;     // changes with each ring
  std::atomic<uint32_t> recorder;  // the thread that owns it, with FUTEX_OWNER_DIED once it listens no more
  bool deserted() const { return (recorder.load(std::memory_order_acquire) & FUTEX_OWNER_DIED) != 0; }
};

/// False: there is no recorder any more to answer. `futex` is the system call, (word, operation, value, timeout).
template <class Futex>
bool ask(Mailbox& box, Doorbell& bell, const Request& question, ReplyStatus* answer, Futex futex) {
  uint32_t state = box.state.load(std::memory_order_relaxed);
  if (state == kClosed || bell.deserted()) return false;
  box.question = question;
  if (!box.state.compare_exchange_strong(state, kAsked, std::memory_order_release)) return false;
  bell.rings.fetch_add(1, std::memory_order_release);
  futex(&bell.rings, FUTEX_WAKE, 1, nullptr);
  // The kernel wakes one waiter of a robust futex at most, and we wait for another word: check from time to time.
  constexpr timespec kPatience{0, 20'000'000};
  while ((state = box.state.load(std::memory_order_acquire)) == kAsked) {
    if (bell.deserted()) return false;
    futex(&box.state, FUTEX_WAIT, kAsked, &kPatience);
  }
  *answer = box.answer;
  return state == kAnswered;
}

/// The recorder's side. What it gets is a copy: the guest may write on.
inline bool has_question(const Mailbox& box) { return box.state.load(std::memory_order_acquire) == kAsked; }

template <class Futex>
void answer(Mailbox& box, ReplyStatus status, Futex futex) {
  box.answer = status;
  uint32_t asked = kAsked;
  if (box.state.compare_exchange_strong(asked, kAnswered, std::memory_order_release))
    futex(&box.state, FUTEX_WAKE, 1, nullptr);
}

template <class Futex>
void close(Mailbox& box, Futex futex) {
  box.state.store(kClosed, std::memory_order_release);
  futex(&box.state, FUTEX_WAKE, INT32_MAX, nullptr);
}

}  // namespace oomcast::ring
