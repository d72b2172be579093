// The kernel's word on each mapping that a process makes, 30 to 90 us after it was made: for processes without the
// library, which would have asked before the memory is used.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "preload/record/kernel/pages.h"
#include "preload/record/kernel/unique_fd.h"

namespace oomcast::record {

/// Records of perf events: of mmap, brk, mprotect and stacks that grow, in the threads that there are and those that
/// they make. A record names the mapping as it is then, with what it was joined to.
class MappingNotices {
 public:
  /// Not valid: the kernel has no perf events for us, or there are too many threads.
  explicit MappingNotices(uint32_t pid);
  bool valid() const { return !listeners_.empty(); }

  /// Ready for reading when there is a record.
  template <class F>
  void for_each_descriptor(F f) const {
    for (const Listener& listener : listeners_) f(listener.event.get());
  }
  struct News {
    std::vector<PageRange> mapped;
    bool lost = false;       // there was more than the buffers hold
    std::vector<int> ended;  // descriptors whose threads have all ended: they are ready for ever
  };
  /// What is new since the last call.
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
