// Takes the library out of the guest's way where held memory, or a system call of ours, would show.
#pragma once

#include <cstdint>

#include "preload/ring/protocol.h"

namespace oomcast::inject {

/// Has the recorder let go of all registered memory of this process, or of process `pid`: it is polled from then on.
void give_way(ring::GiveWay why, uint32_t pid = 0);
/// False once this process has given way: what it and its copies say hello with is no userfaultfd.
bool memory_may_be_registered();

/// After the guest has opened `path` as `fd`: the file may be another way to its memory (/proc/PID/mem), or to hold its
/// faults.
void note_opened(int fd, const char* path);

/// Around the call that puts this process under a seccomp filter. Tracking ends before it: the filter may forbid what
/// the library does, and kills for it. Where the call fails, tracking goes on, by polling.
class Sealing {
 public:
  explicit Sealing(bool seals);
  void called(bool succeeded);

 private:
  bool seals_, tracked_ = false;
};

}  // namespace oomcast::inject
