// Finds out how a process that is not the recorder's child has ended.
#include "preload/record/kernel/ended_process.h"

#include <poll.h>
#include <sys/ioctl.h>

#include <cstdlib>
#include <string>

#include "preload/record/kernel/proc_file.h"
#include "preload/record/kernel/proc_maps.h"

namespace oomcast::record {
namespace {

/// Wait status of a process that its parent has waited for, from PIDFD_GET_INFO (Linux 6.15). -1: the parent has not
/// waited yet, or the kernel does not keep it.
int reaped_wait_status(int pidfd) {
  struct {  // struct pidfd_info of a newer linux/pidfd.h than Debian 12's
    uint64_t mask, cgroup;
    uint32_t ids[11];
    int32_t exit_code;
  } info{};
  info.mask = 1 << 3;  // PIDFD_INFO_EXIT
  if (::ioctl(pidfd, _IOWR(0xff, 11, decltype(info)), &info) == 0 && (info.mask & (1 << 3)) != 0) return info.exit_code;
  return -1;
}

}  // namespace

int foreign_wait_status(uint32_t pid, int pidfd) {
  if (const int status = reaped_wait_status(pidfd); status != -1) return status;
  const std::string stat = read_whole_path(proc_of(pid) + "stat");
  if (stat_state(stat) == 'Z')
    if (const size_t last = stat.find_last_of(' '); last != std::string::npos)
      return std::atoi(stat.c_str() + last + 1);
  return reaped_wait_status(pidfd);  // the parent may have waited since the first try
}

bool has_ended(int pidfd) {
  pollfd ended{pidfd, POLLIN, 0};
  return ::poll(&ended, 1, 0) == 1;
}

}  // namespace oomcast::record
