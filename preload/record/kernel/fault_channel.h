// FaultChannel: what the recorder asks of the userfaultfd that reports a guest's faults. Userfaultfd asks the
// kernel; a test brings a kernel of its own.
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
  /// From now on the kernel serves the range's faults itself; threads that wait there go on. False: nothing of it is
  /// ours.
  virtual bool unregister_range(uint64_t start, uint64_t end) = 0;
  /// Fills with zero pages of memory. `filled` gets the pages done, even on kRetry. `protect`: arm the pages for
  /// writes.
  virtual FaultResult fill(uint64_t start, uint64_t pages, bool wake, bool protect, uint64_t* filled) = 0;
  /// Fills one page with this content and wakes who waits there.
  virtual FaultResult copy(uint64_t page, const void* content) = 0;
  /// Maps the shared zero page: a read of untouched memory costs none.
  virtual FaultResult map_zero(uint64_t start, uint64_t pages, uint64_t* filled) = 0;
  virtual FaultResult protect(uint64_t start, uint64_t end, bool on, bool wake) = 0;
  virtual void wake(uint64_t start, uint64_t end) = 0;
  virtual bool write_protects() const = 0;
  /// Reads what is pending, never waits. The number of messages.
  virtual size_t read(std::span<uffd_msg> out) = 0;
  /// False once the address space it belongs to is gone (exec or exit).
  virtual bool address_space_lives() = 0;
  /// Ready for reading when a message is pending.
  virtual int fd() const = 0;
};

/// A channel that may be missing: then nothing is registered and no message comes.
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
