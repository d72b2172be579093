// UserfaultfdFetcher: has a program without the library open a userfaultfd for its own memory, and takes the descriptor
// over.
//
// A second process in a session of its own does the work. If the recorder did it and were killed in the middle, the
// program would go on with changed registers. The same happens if the second process is killed in the fraction of a
// millisecond in which a thread of the program is stopped.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "preload/record/kernel/unique_fd.h"

namespace oomcast::record {

struct FetchedUserfaultfd {
  UniqueFd descriptor;
  int error = 0;            // an errno; 0: there is a descriptor
  uint64_t stopped_ns = 0;  // time for which one thread of the program was stopped, at most
};

class UserfaultfdFetcher {
 public:
  UserfaultfdFetcher() = default;
  ~UserfaultfdFetcher() { reap(); }
  UserfaultfdFetcher(const UserfaultfdFetcher&) = delete;
  UserfaultfdFetcher& operator=(const UserfaultfdFetcher&) = delete;

  /// Has one thread of the program make the system calls needed; afterwards the thread goes on where it was. After an
  /// error the program is unchanged. Errors: the program is traced already, is stopped, has a seccomp filter or a
  /// userfaultfd of its own, may not be traced by the recorder, or the kernel refuses it a userfaultfd that reports
  /// faults of system calls too. EALREADY: an earlier try is still under way. `descends_from_us`: the program may have
  /// inherited the recorder's own seccomp filters.
  FetchedUserfaultfd fetch(uint32_t pid, int pidfd, bool descends_from_us);

 private:
  struct Fetch {
    pid_t child;
    uint32_t program;
  };
  void reap();
  std::vector<Fetch> unreaped_;  // their second process may still be running
};

/// The same for a program that the recorder starts: the program is stopped between its exec and its first instruction
/// until its memory is registered. It starts when let_go() is called or the recorder dies.
class HeldStart {
 public:
  HeldStart() = default;
  ~HeldStart() { let_go(); }
  HeldStart(HeldStart&& other) noexcept;
  HeldStart& operator=(HeldStart&& other) noexcept;

  /// Arranges that the process stops at its exec; does nothing if it may not be traced. REQUIRES: the process has not
  /// exec'ed, and waits until this returns.
  void begin(pid_t pid);
  /// The process that stops at its exec; 0: none.
  pid_t pid() const { return pid_; }
  /// Takes a userfaultfd over from the stopped program. REQUIRES: its exec has succeeded.
  FetchedUserfaultfd fetch(int pidfd);
  /// Lets the program start.
  void let_go();

 private:
  pid_t pid_ = 0, holder_ = 0;
  UniqueFd socket_;
};

}  // namespace oomcast::record
