// OneCpu: pins a thread to its CPU by sched_setaffinity().
#include "preload/record/kernel/one_cpu.h"

namespace oomcast::record {

cpu_set_t only_cpu(int cpu) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<size_t>(cpu), &one);
  return one;
}

OneCpu::OneCpu() {
  const int cpu = ::sched_getcpu();
  if (cpu < 0 || cpu >= CPU_SETSIZE || ::sched_getaffinity(0, sizeof before_, &before_) != 0) return;
  const cpu_set_t one = only_cpu(cpu);
  bound_ = ::sched_setaffinity(0, sizeof one, &one) == 0;
}

OneCpu::~OneCpu() {
  if (bound_) ::sched_setaffinity(0, sizeof before_, &before_);
}

}  // namespace oomcast::record
