// Implements probe(): tries what this kernel allows, and names what would allow more. Nothing is derived from versions.
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstring>

#include "preload/record/kernel/page_scan.h"
#include "preload/record/kernel/proc_maps.h"
#include "preload/record/kernel/userfaultfd.h"
#include "preload/record/recorder.h"
#include "preload/record/tracker.h"

namespace oomcast::record {
namespace {

UniqueFd open_by_call(int flags, int* error) {
  const long fd = ::syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | flags);
  *error = fd < 0 ? errno : 0;
  return UniqueFd(static_cast<int>(fd));
}

UniqueFd open_by_device() {
  const UniqueFd device = open_userfaultfd_device();
  return device ? UniqueFd(::ioctl(device.get(), USERFAULTFD_IOC_NEW, O_CLOEXEC | O_NONBLOCK)) : UniqueFd();
}

uint64_t features_of(int fd) {
  uffdio_api api{};
  api.api = UFFD_API;
  return ::ioctl(fd, UFFDIO_API, &api) == 0 ? api.features : 0;
}

bool has_capability(int number) {
  return (number_behind(read_whole_path("/proc/self/status"), "CapEff:", 16) >> number & 1) != 0;
}

std::string yes_no(const char* what, bool yes) { return std::string(what) + ": " + (yes ? "yes" : "no"); }

}  // namespace

Capabilities probe() {
  Capabilities out;
  int error = 0;
  UniqueFd by_call = open_by_call(0, &error);
  UniqueFd by_device = open_by_device();
  const bool by_call_works = static_cast<bool>(by_call);
  out.userfaultfd_device = static_cast<bool>(by_device);
  out.userfaultfd = by_call_works || out.userfaultfd_device;
  int user_mode_error = 0;
  UniqueFd user_mode = open_by_call(UFFD_USER_MODE_ONLY, &user_mode_error);
  out.userfaultfd_user_mode = static_cast<bool>(user_mode);
  const uint64_t features = features_of(by_call_works            ? by_call.get()
                                        : out.userfaultfd_device ? by_device.get()
                                                                 : user_mode.get());
  out.ptrace_capability = has_capability(CAP_SYS_PTRACE);
  out.event_fork = (features & UFFD_FEATURE_EVENT_FORK) != 0 && out.ptrace_capability;
  out.event_remap = features & UFFD_FEATURE_EVENT_REMAP;
  out.event_remove = features & UFFD_FEATURE_EVENT_REMOVE;
  out.event_unmap = features & UFFD_FEATURE_EVENT_UNMAP;
  out.thread_id = features & UFFD_FEATURE_THREAD_ID;
  out.write_protect = features & UFFD_FEATURE_PAGEFAULT_FLAG_WP;
  out.wp_async = features & UFFD_FEATURE_WP_ASYNC;
  out.move = features & ring::kUffdFeatureMove;
  out.pagemap_scan = kernel_has_pagemap_scan();
  out.procmap_query = kernel_has_procmap_query();
  const TrackerKind best = choose_tracker("", out).value();
  out.tracker = tracker_name(best);

  utsname system{};
  ::uname(&system);
  out.lines.push_back(std::string("kernel ") + system.release);
  out.lines.push_back("tracker that `run` will use: " + out.tracker +
                      (best == TrackerKind::kUserfaultfd ? " (each first touch, in order)"
                       : best == TrackerKind::kWpAsync   ? " (touches polled, frees reported by the kernel)"
                                                         : " (polled, coarse in time)"));
  for (const TrackerKind kind : {TrackerKind::kUserfaultfd, TrackerKind::kWpAsync, TrackerKind::kPagemap})
    out.lines.push_back(
        yes_no((std::string("--tracker ") + tracker_name(kind)).c_str(), choose_tracker(tracker_name(kind), out).ok()));
  out.lines.push_back(std::string("userfaultfd by system call: ") +
                      (by_call_works ? "yes" : std::string("no (") + std::strerror(error) + ")"));
  out.lines.push_back(yes_no("userfaultfd through /dev/userfaultfd", out.userfaultfd_device));
  out.lines.push_back(yes_no("frees inside libc (REMOVE, UNMAP, REMAP events)",
                             out.event_remap && out.event_remove && out.event_unmap));
  out.lines.push_back(yes_no("writes to watched pages (write protection)", out.write_protect));
  out.lines.push_back(yes_no("userfaultfd for user mode only (enough for wp-async)", out.userfaultfd_user_mode));
  out.lines.push_back(yes_no("WP_ASYNC", out.wp_async));
  out.lines.push_back(yes_no("--see-reads (MOVE, EVENT_FORK)", out.userfaultfd && out.move && out.event_fork));
  out.lines.push_back(yes_no("PAGEMAP_SCAN", out.pagemap_scan));
  out.lines.push_back(yes_no("PROCMAP_QUERY", out.procmap_query));
  out.lines.push_back(yes_no("CAP_SYS_PTRACE (--see-reads needs it)", out.ptrace_capability));
  if (!out.userfaultfd) {
    if (error == ENOSYS) {
      out.lines.emplace_back(
          "try: a kernel built with CONFIG_USERFAULTFD=y, or a seccomp profile that allows the userfaultfd call");
    } else {
      out.lines.emplace_back("try: sudo sysctl vm.unprivileged_userfaultfd=1");
      if (::access("/dev/userfaultfd", F_OK) == 0)
        out.lines.push_back("try: sudo setfacl -m u:" + std::to_string(::getuid()) + ":rw /dev/userfaultfd");
      out.lines.emplace_back("try: sudo oomcast run ... (as root)");
      out.lines.emplace_back(
          "try: in a container, --security-opt seccomp=unconfined or a profile that allows userfaultfd");
    }
  }
  return out;
}

}  // namespace oomcast::record
