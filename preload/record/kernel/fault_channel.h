// FaultChannel: what the recorder asks of the userfaultfd that tells it of a guest's faults. Userfaultfd asks the kernel; a
// test brings a kernel of its own.
#pragma once

#include <cstdint>

namespace oomcast::record {

enum class FaultResult {
  kDone,
  kAlreadyThere,  // EEXIST: somebody else filled it; the thread only has to be woken
  kRetry,         // EAGAIN: an unread event, or a call that is not over, blocks the address space
  kNoMemory,      // ENOMEM: this machine, or the guest's memory cgroup, has no page for it now
  kGone,          // ENOENT, ESRCH, ENOSPC, EINVAL: no such registered memory (any more)
};

class FaultChannel {
 public:
  static constexpr uint64_t kMostPages = 512;  // that fill() takes at once

  virtual ~FaultChannel() = default;

  /// False: not registrable (a file mapping, another userfaultfd's, gone).
  virtual bool register_range(uint64_t start, uint64_t end) = 0;
  /// From now on the kernel serves the range's faults itself; threads that wait there go on. False: nothing of it is ours.
  virtual bool unregister_range(uint64_t start, uint64_t end) = 0;
  /// Fills with zero pages of memory. `filled` gets the pages done, even on kRetry. `protect`: arm the pages for writes.
  virtual FaultResult fill(uint64_t start, uint64_t pages, bool wake, bool protect, uint64_t* filled) = 0;
  /// Maps the shared zero page: a read of untouched memory costs none.
  virtual FaultResult map_zero(uint64_t start, uint64_t pages, uint64_t* filled) = 0;
  virtual FaultResult protect(uint64_t start, uint64_t end, bool on, bool wake) = 0;
  virtual void wake(uint64_t start, uint64_t end) = 0;
};

}  // namespace oomcast::record
