// A file of /proc about a process. It is opened when it is first read: most processes end or exec before
// anybody asks.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <string>

#include "preload/record/kernel/unique_fd.h"

namespace oomcast::record {

/// The directory of /proc for this thread of the process.
inline std::string proc_of_thread(uint32_t pid, uint32_t tid) {
  return "/proc/" + std::to_string(pid) + "/task/" + std::to_string(tid) + "/";
}

/// The directory of /proc for the process, or for a thread of it where one is named.
inline std::string proc_of(uint32_t pid, uint32_t tid = 0) {
  return tid != 0 ? proc_of_thread(pid, tid) : "/proc/" + std::to_string(pid) + "/";
}

class ProcFile {
 public:
  explicit ProcFile(const char* name) : name_(name) {}

  /// Of this process, as it is now: what was open before, of the program before an exec, is let go. `tid`: the thread
  /// whose file it is, where the first one has left; 0: the process's.
  void belong_to(uint32_t pid, uint32_t tid = 0) {
    fd_.reset();
    pid_ = pid;
    tid_ = tid;
    // Root may always read it. Anybody else may no longer once a program has made itself undumpable.
    if (::geteuid() != 0) static_cast<void>(get());
  }

  /// -1: it cannot be opened.
  int get() const {
    if (pid_ != 0) fd_ = UniqueFd(::open((proc_of(pid_, tid_) + name_).c_str(), O_RDONLY | O_CLOEXEC));
    pid_ = 0;
    return fd_.get();
  }

  /// Whether maps, pagemap or mem is of an address space. Opened while the task had no memory any more, they are empty
  /// for ever; mem of a task that has memory refuses the address 0 (EIO) instead.
  bool has_content() const {
    uint64_t word;
    return get() >= 0 && ::pread(get(), &word, sizeof word, 0) != 0;
  }

 private:
  const char* name_;
  mutable UniqueFd fd_;
  mutable uint32_t pid_ = 0;  // 0: tried
  uint32_t tid_ = 0;
};

}  // namespace oomcast::record
