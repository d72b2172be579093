// ForkedChild: a forked copy of the test that runs one function. Pipe: bytes to and from it. The child ends with its
// object.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "preload/record/kernel/proc_file.h"
#include "preload/record/kernel/proc_maps.h"
#include "preload/record/kernel/unique_fd.h"
#include "tests/preload/record/eventually.h"

namespace oomcast::record {

class ForkedChild {
 public:
  /// The child ends with what the function returns.
  template <class What>
  explicit ForkedChild(What what) : pid_(::fork()) {
    if (pid_ == 0) ::_exit(what());
  }
  ~ForkedChild() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  ForkedChild(const ForkedChild&) = delete;
  ForkedChild& operator=(const ForkedChild&) = delete;

  pid_t pid() const { return pid_; }
  uint32_t number() const { return static_cast<uint32_t>(pid_); }
  bool runs() const {
    siginfo_t ended{};
    return ::waitid(P_PID, number(), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid == 0;
  }
  /// How it has ended, once it has; the pid may be another's from then on.
  int status() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  /// Waits until the kernel says that it is in the system call.
  void wait_until_in(long call) const {
    const std::string path = proc_of(number()) + "syscall";
    ASSERT_TRUE(eventually([&] { return read_whole_path(path).starts_with(std::to_string(call) + " "); }));
  }

 private:
  pid_t pid_;
};

struct Pipe {
  UniqueFd from, to;
  explicit Pipe(int flags = 0) {
    int ends[2] = {-1, -1};
    EXPECT_EQ(::pipe2(ends, flags), 0);
    from = UniqueFd(ends[0]);
    to = UniqueFd(ends[1]);
  }
  /// A byte goes in: who waits for one goes on.
  void put() const { EXPECT_EQ(::write(to.get(), "", 1), 1); }
  /// Waits for a byte; false: none will come.
  bool take() const {
    char byte;
    return ::read(from.get(), &byte, 1) == 1;
  }
};

}  // namespace oomcast::record
