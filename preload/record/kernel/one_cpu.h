// Keeps a thread on the CPU that it runs on, for as long as an object lives.
#pragma once

#include <sched.h>

namespace oomcast::record {

/// A set of this CPU alone.
cpu_set_t only_cpu(int cpu);

/// While it lives, the calling thread and those that it starts run on the CPU that it runs on now.
class OneCpu {
 public:
  OneCpu();
  ~OneCpu();
  OneCpu(const OneCpu&) = delete;

 private:
  cpu_set_t before_{};
  bool bound_ = false;
};

}  // namespace oomcast::record
