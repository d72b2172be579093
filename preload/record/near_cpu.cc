// Has the recorder run on the CPU of the thread that waits for it.
#include "preload/record/near_cpu.h"

#include <utility>

#include "preload/record/proc_maps.h"

namespace oomcast::record {
namespace {

cpu_set_t only(int cpu) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<size_t>(cpu), &one);
  return one;
}

}  // namespace

OneCpu::OneCpu() {
  const int cpu = ::sched_getcpu();
  if (cpu < 0 || cpu >= CPU_SETSIZE || ::sched_getaffinity(0, sizeof before_, &before_) != 0) return;
  const cpu_set_t one = only(cpu);
  bound_ = ::sched_setaffinity(0, sizeof one, &one) == 0;
}

OneCpu::~OneCpu() {
  if (bound_) ::sched_setaffinity(0, sizeof before_, &before_);
}

NearCpu::NearCpu() {
  if (::sched_getaffinity(0, sizeof allowed_, &allowed_) != 0) CPU_ZERO(&allowed_);
}

void NearCpu::run_on(int cpu, const int (&servers)[2]) {
  const cpu_set_t where = cpu < 0 ? allowed_ : only(cpu);
  for (const int tid : servers)
    if (::sched_setaffinity(tid, sizeof where, &where) != 0) return;  // a cpuset that the program may use and we may not
  cpu_ = cpu;
  elsewhere_ = 0;
}

void NearCpu::served(uint32_t pid, uint32_t tid, const int (&servers)[2]) {
  served_since_rest_ = true;
  if (cpu_ >= 0 && ++since_look_ < kLookEach) return;
  since_look_ = 0;
  // Where it runs or has run last.
  const auto cpu = stat_field(read_line_of("/proc/" + std::to_string(pid) + "/task/" + std::to_string(tid) + "/stat"), 39);
  if (!cpu || *cpu >= CPU_SETSIZE || !CPU_ISSET(*cpu, &allowed_) || static_cast<int>(*cpu) == cpu_) {
    elsewhere_ = 0;
    return;
  }
  if (cpu_ < 0 || ++elsewhere_ >= kElsewhere) run_on(static_cast<int>(*cpu), servers);
}

void NearCpu::rest(const int (&servers)[2]) {
  if (!std::exchange(served_since_rest_, false) && cpu_ >= 0) run_on(-1, servers);
}

}  // namespace oomcast::record
