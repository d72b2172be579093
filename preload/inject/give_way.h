// Ends the registration of a process's memory where held memory, or a system call of the library, would be noticed.
#pragma once

#include <cstdint>

#include "preload/ring/protocol.h"

namespace oomcast::inject {

/// Has the recorder let go of all memory of this process (0), or of process `pid`. That process is polled from then on.
void give_way(ring::GiveWay why, uint32_t pid = 0);
/// False once this process has given way: its hellos, and those of its copies, then carry no userfaultfd.
bool memory_may_be_registered();

/// To be called after the guest has opened `path` as `fd`. Gives way for /proc/PID/mem and /dev/userfaultfd.
void note_opened(int fd, const char* path);

/// Put around the call that sets a seccomp filter for this process. The constructor ends tracking, as the filter may
/// kill for calls of the library. If the call fails, called(false) resumes tracking, by polling.
class Sealing {
 public:
  explicit Sealing(bool seals);
  void called(bool succeeded);

 private:
  bool seals_, tracked_ = false;
};

}  // namespace oomcast::inject
