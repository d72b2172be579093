// Marks the current actor as being in a page fault (lru_gen_enter_fault() and lru_gen_exit_fault()).
#pragma once

#include "model/mm/sched.h"

namespace oomcast::mm {

class InFault {
 public:
  explicit InFault(Actor& actor) : actor_(actor), before_(actor.in_lru_fault) { actor.in_lru_fault = true; }
  ~InFault() { actor_.in_lru_fault = before_; }
  InFault(const InFault&) = delete;
  InFault& operator=(const InFault&) = delete;

 private:
  Actor& actor_;
  const bool before_;
};

}  // namespace oomcast::mm
