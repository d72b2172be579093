// ProcFile: a file in /proc/PID. It is opened at its first read, as most processes end or exec before that.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <string>

#include "preload/record/kernel/unique_fd.h"

namespace oomcast::record {

/// Directory of a thread in /proc, with a slash at the end.
inline std::string proc_of_thread(uint32_t pid, uint32_t tid) {
  return "/proc/" + std::to_string(pid) + "/task/" + std::to_string(tid) + "/";
}

/// Directory of the process in /proc, or of its thread `tid` if that is not 0.
inline std::string proc_of(uint32_t pid, uint32_t tid = 0) {
  return tid != 0 ? proc_of_thread(pid, tid) : "/proc/" + std::to_string(pid) + "/";
}

class ProcFile {
 public:
  explicit ProcFile(const char* name) : name_(name) {}

  /// From now on the file is that of this process, as it is now; a descriptor from before an exec is closed. `tid`: the
  /// thread whose file is read after the first thread has left; 0: the process's.
  void belong_to(uint32_t pid, uint32_t tid = 0) {
    fd_.reset();
    pid_ = pid;
    tid_ = tid;
    // Root may open it at any time. Others may not once the program has made itself undumpable, so they open it now.
    if (::geteuid() != 0) static_cast<void>(get());
  }

  /// The descriptor; -1: the file cannot be opened.
  int get() const {
    if (pid_ != 0) fd_ = UniqueFd(::open((proc_of(pid_, tid_) + name_).c_str(), O_RDONLY | O_CLOEXEC));
    pid_ = 0;
    return fd_.get();
  }

  /// Whether maps, pagemap or mem shows an address space. If it was opened after the task had lost its memory, it is
  /// empty for ever. A read of mem at address 0 fails with EIO where there is memory, which counts as content.
  bool has_content() const {
    uint64_t word;
    return get() >= 0 && ::pread(get(), &word, sizeof word, 0) != 0;
  }

 private:
  const char* name_;
  mutable UniqueFd fd_;
  mutable uint32_t pid_ = 0;  // 0: opening was tried
  uint32_t tid_ = 0;
};

}  // namespace oomcast::record
