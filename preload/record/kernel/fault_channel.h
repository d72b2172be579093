// FaultChannel: the operations of the userfaultfd that reports a guest's faults. Userfaultfd makes the ioctls; a test
// has an implementation of its own.
#pragma once

#include <errno.h>
#include <linux/userfaultfd.h>

#include <cstdint>
#include <memory>
#include <span>
#include <utility>

namespace oomcast::record {

enum class FaultResult {
  kDone,
  kAlreadyThere,  // EEXIST: the page is there; the thread only has to be woken
  kRetry,         // EAGAIN: the address space is changing (mmap_changing: an unread event or an unfinished call)
  kNoMemory,      // ENOMEM: this machine, or the guest's memory cgroup, has no page for it now
  kGone,          // ENOENT, ESRCH, ENOSPC, EINVAL: no such registered memory, or none any more
};

class FaultChannel {
 public:
  static constexpr uint64_t kMostPages = 512;  // that one fill() takes

  virtual ~FaultChannel() = default;

  /// False, with errno: the range cannot be registered (a file mapping, registered with another userfaultfd, unmapped).
  virtual bool register_range(uint64_t start, uint64_t end) = 0;
  /// From now on the kernel serves the range's faults itself, and threads that wait there go on. False: nothing in the
  /// range is registered here.
  virtual bool unregister_range(uint64_t start, uint64_t end) = 0;
  /// Fills `pages` from `start` with zeroes (UFFDIO_COPY). `filled`: how many pages were filled; kDone may mean only a
  /// part of them, the other results mean none. `wake`: wakes threads that wait there. `protect`: arms the pages.
  virtual FaultResult fill(uint64_t start, uint64_t pages, bool wake, bool protect, uint64_t* filled) = 0;
  /// Fills one page with this content and wakes the threads that wait there.
  virtual FaultResult copy(uint64_t page, const void* content) = 0;
  /// Maps the shared zero page (UFFDIO_ZEROPAGE), so a read of untouched memory needs no memory. Wakes no thread.
  virtual FaultResult map_zero(uint64_t start, uint64_t pages, uint64_t* filled) = 0;
  /// Arms the pages of the range (`on`), or makes them writable. `wake`: wakes threads that wait in a write fault
  /// there.
  virtual FaultResult protect(uint64_t start, uint64_t end, bool on, bool wake) = 0;
  /// Wakes threads that wait for a page of the range.
  virtual void wake(uint64_t start, uint64_t end) = 0;
  /// Whether pages can be armed (UFFD_FEATURE_PAGEFAULT_FLAG_WP).
  virtual bool write_protects() const = 0;
  /// Reads pending messages and returns their number. Never waits.
  virtual size_t read(std::span<uffd_msg> out) = 0;
  /// False once the address space of the userfaultfd is gone, by an exec or an exit.
  virtual bool address_space_lives() = 0;
  /// For epoll: readable when a message is pending.
  virtual int fd() const = 0;
};

/// A channel that may be missing: then no range can be registered, and no message comes.
class OptionalChannel final : public FaultChannel {
 public:
  OptionalChannel() = default;
  explicit OptionalChannel(std::unique_ptr<FaultChannel> channel) : channel_(std::move(channel)) {}

  bool valid() const { return channel_ != nullptr; }
  void reset() { channel_.reset(); }

  bool register_range(uint64_t start, uint64_t end) override {
    errno = EBADF;
    return valid() && channel_->register_range(start, end);
  }
  bool unregister_range(uint64_t start, uint64_t end) override {
    return valid() && channel_->unregister_range(start, end);
  }
  FaultResult fill(uint64_t start, uint64_t pages, bool wake, bool protect, uint64_t* filled) override {
    return valid() ? channel_->fill(start, pages, wake, protect, filled) : FaultResult::kGone;
  }
  FaultResult copy(uint64_t page, const void* content) override {
    return valid() ? channel_->copy(page, content) : FaultResult::kGone;
  }
  FaultResult map_zero(uint64_t start, uint64_t pages, uint64_t* filled) override {
    return valid() ? channel_->map_zero(start, pages, filled) : FaultResult::kGone;
  }
  FaultResult protect(uint64_t start, uint64_t end, bool on, bool wake) override {
    return valid() ? channel_->protect(start, end, on, wake) : FaultResult::kGone;
  }
  void wake(uint64_t start, uint64_t end) override {
    if (valid()) channel_->wake(start, end);
  }
  bool write_protects() const override { return valid() && channel_->write_protects(); }
  size_t read(std::span<uffd_msg> out) override { return valid() ? channel_->read(out) : 0; }
  bool address_space_lives() override { return valid() && channel_->address_space_lives(); }
  int fd() const override { return valid() ? channel_->fd() : -1; }

 private:
  std::unique_ptr<FaultChannel> channel_;
};

}  // namespace oomcast::record
