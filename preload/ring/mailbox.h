// Mailbox and Doorbell: let a guest ask the recorder a question and wait, without a descriptor. A mailbox in the shared
// area holds one question at a time; one doorbell for all guests wakes the recorder. Both are futexes.
//
// A guest must not wait for a recorder that has died. The doorbell's `recorder` word is a robust futex: the kernel sets
// FUTEX_OWNER_DIED when the thread that owns it ends in any way.
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
  std::atomic<uint32_t> rings;     // incremented by each ring
  std::atomic<uint32_t> recorder;  // tid of the thread that answers, with FUTEX_OWNER_DIED once it has ended
  bool deserted() const { return (recorder.load(std::memory_order_acquire) & FUTEX_OWNER_DIED) != 0; }
};

/// Asks, and waits for the answer. False: no recorder answers any more. `futex`: the system call with (word, operation,
/// value, timeout). One thread of a process may ask at a time.
template <class Futex>
bool ask(Mailbox& box, Doorbell& bell, const Request& question, ReplyStatus* answer, Futex futex) {
  uint32_t state = box.state.load(std::memory_order_relaxed);
  if (state == kClosed || bell.deserted()) return false;
  box.question = question;
  if (!box.state.compare_exchange_strong(state, kAsked, std::memory_order_release)) return false;
  bell.rings.fetch_add(1, std::memory_order_release);
  futex(&bell.rings, FUTEX_WAKE, 1, nullptr);
  // The kernel wakes only one waiter of a robust futex, and this thread waits for another word: check every 20 ms.
  constexpr timespec kPatience{0, 20'000'000};
  while ((state = box.state.load(std::memory_order_acquire)) == kAsked) {
    if (bell.deserted()) return false;
    futex(&box.state, FUTEX_WAIT, kAsked, &kPatience);
  }
  *answer = box.answer;
  return state == kAnswered;
}

/// For the recorder, which must copy the question: the guest may overwrite it.
inline bool has_question(const Mailbox& box) { return box.state.load(std::memory_order_acquire) == kAsked; }

/// Answers the question and wakes the guest. No effect if there is none.
template <class Futex>
void answer(Mailbox& box, ReplyStatus status, Futex futex) {
  box.answer = status;
  uint32_t asked = kAsked;
  if (box.state.compare_exchange_strong(asked, kAnswered, std::memory_order_release))
    futex(&box.state, FUTEX_WAKE, 1, nullptr);
}

/// Ends the service of this mailbox, and wakes the guest if it waits.
template <class Futex>
void close(Mailbox& box, Futex futex) {
  box.state.store(kClosed, std::memory_order_release);
  futex(&box.state, FUTEX_WAKE, INT32_MAX, nullptr);
}

}  // namespace oomcast::ring
