// ServingCpu: reads a thread's CPU from /proc and pins the recorder's threads with sched_setaffinity().
#include "preload/record/server/serving_cpu.h"

#include <utility>

#include "preload/record/kernel/one_cpu.h"
#include "preload/record/kernel/proc_file.h"
#include "preload/record/kernel/proc_maps.h"

namespace oomcast::record {

ServingCpu::ServingCpu() {
  if (::sched_getaffinity(0, sizeof allowed_, &allowed_) != 0) CPU_ZERO(&allowed_);
}

void ServingCpu::run_on(int cpu, const int (&servers)[2]) {
  const cpu_set_t where = cpu < 0 ? allowed_ : only_cpu(cpu);
  for (const int tid : servers)
    if (::sched_setaffinity(tid, sizeof where, &where) != 0)
      return;  // the guest's cpuset allows this CPU, the recorder's does not
  cpu_ = cpu;
  elsewhere_ = 0;
}

void ServingCpu::served(uint32_t pid, uint32_t tid, const int (&servers)[2]) {
  served_since_rest_ = true;
  if (cpu_ >= 0 && ++since_check_ < kCheckEach) return;
  since_check_ = 0;
  // Field 39 of /proc/PID/task/TID/stat, `processor`: the CPU that the thread has run on last.
  const auto cpu = stat_field(read_line_of(proc_of_thread(pid, tid) + "stat"), 39);
  if (!cpu || *cpu >= CPU_SETSIZE || !CPU_ISSET(*cpu, &allowed_) || static_cast<int>(*cpu) == cpu_) {
    elsewhere_ = 0;
    return;
  }
  if (cpu_ < 0 || ++elsewhere_ >= kElsewhere) run_on(static_cast<int>(*cpu), servers);
}

void ServingCpu::rest(const int (&servers)[2]) {
  if (!std::exchange(served_since_rest_, false) && cpu_ >= 0) run_on(-1, servers);
}

}  // namespace oomcast::record
