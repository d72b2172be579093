// Opens a userfaultfd for the memory of a program that has no library of ours to open one, and takes it over.
//
// The work is done by a process of its own, in a session of its own: were it done by the recorder, a recorder that is
// killed in the middle would leave the program with our registers. What is left is somebody who kills that process in
// the fraction of a millisecond for which it holds the program.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "preload/record/kernel/unique_fd.h"

namespace oomcast::record {

struct FetchedUserfaultfd {
  UniqueFd descriptor;
  int error = 0;            // an errno, if there is no descriptor
  uint64_t stopped_ns = 0;  // for which one thread of the program stood still, at most
};

class UserfaultfdFetcher {
 public:
  UserfaultfdFetcher() = default;
  ~UserfaultfdFetcher() { reap(); }
  UserfaultfdFetcher(const UserfaultfdFetcher&) = delete;
  UserfaultfdFetcher& operator=(const UserfaultfdFetcher&) = delete;

  /// One thread of the program makes the system calls that this takes and goes on as it was. An error leaves the
  /// program as it was, too: it is traced already, is stopped, has a seccomp filter or a userfaultfd of its own, may
  /// not be traced by us, or the kernel refuses it a userfaultfd of which we would hear system calls, too. EALREADY:
  /// the last try is still at it. `descends_from_us`: it may have inherited our own seccomp filters.
  FetchedUserfaultfd fetch(uint32_t pid, int pidfd, bool descends_from_us);

 private:
  struct Fetch {
    pid_t child;
    uint32_t program;
  };
  void reap();
  std::vector<Fetch> unreaped_;  // whose process may not have ended yet
};

/// The same for a program that we start: it is held between its exec and its first instruction until its memory is
/// registered. If we die, or let_go() is called, it starts.
class HeldStart {
 public:
  HeldStart() = default;
  ~HeldStart() { let_go(); }
  HeldStart(HeldStart&& other) noexcept;
  HeldStart& operator=(HeldStart&& other) noexcept;

  /// The process, which has not exec'ed yet and waits until this has returned, will be held; or not, if it may not be.
  void begin(pid_t pid);
  /// 0: nothing is held.
  pid_t pid() const { return pid_; }
  /// Once exec has succeeded.
  FetchedUserfaultfd fetch(int pidfd);
  void let_go();

 private:
  pid_t pid_ = 0, holder_ = 0;
  UniqueFd socket_;
};

}  // namespace oomcast::record
