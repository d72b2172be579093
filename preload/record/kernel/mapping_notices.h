// MappingNotices: the kernel's notices of a process's new mappings, 30 to 90 us after each was made. For processes
// outside: the library asks before memory is used.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "preload/record/kernel/pages.h"
#include "preload/record/kernel/unique_fd.h"

namespace oomcast::record {

/// Perf events (PERF_RECORD_MMAP) of mmap(), brk(), mprotect() and growing stacks, in all threads of the process and
/// the threads that these create. A notice names the whole VMA, with the neighbours that the new mapping was merged
/// with.
class MappingNotices {
 public:
  /// Not valid(): perf events are not allowed here, or there are too many threads (threads x CPUs above 256).
  explicit MappingNotices(uint32_t pid);
  bool valid() const { return !listeners_.empty(); }

  /// Descriptors that are readable when there is a notice.
  template <class F>
  void for_each_descriptor(F f) const {
    for (const Listener& listener : listeners_) f(listener.event.get());
  }
  struct News {
    std::vector<PageRange> mapped;
    bool lost = false;       // a buffer was full, notices are missing
    std::vector<int> ended;  // descriptors whose threads have all ended; they stay readable for ever
  };
  /// What has come since the last call.
  News take();

 private:
  class Buffer {
   public:
    explicit Buffer(int event);
    ~Buffer();
    Buffer(Buffer&& other) noexcept : start_(std::exchange(other.start_, nullptr)) {}
    Buffer& operator=(Buffer&&) = delete;
    bool valid() const { return start_ != nullptr; }
    void take(News* out);

   private:
    void copy(uint64_t from, void* to, size_t bytes) const;
    void* start_;
  };
  struct Listener {
    UniqueFd event;
    Buffer buffer;
    bool ended = false;
  };
  std::vector<int> take_ended();
  std::vector<Listener> listeners_;
};

}  // namespace oomcast::record
