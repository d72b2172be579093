// OneCpu: pins the calling thread to its CPU while an object lives.
#pragma once

#include <sched.h>

namespace oomcast::record {

/// A set with this CPU only.
cpu_set_t only_cpu(int cpu);

/// While it lives, the calling thread and threads that it starts stay on the present CPU. If that fails, nothing
/// changes.
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
