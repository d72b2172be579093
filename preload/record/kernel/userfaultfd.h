// Userfaultfd: a userfaultfd that a guest has sent to the recorder, and its ioctls.
#pragma once

#include <linux/userfaultfd.h>

#include <cstdint>
#include <span>

#include "preload/record/kernel/fault_channel.h"
#include "preload/record/kernel/unique_fd.h"
#include "preload/ring/userfaultfd_names.h"

// Missing in Debian 12's headers; tried at run time.
#ifndef UFFD_FEATURE_WP_UNPOPULATED
#define UFFD_FEATURE_WP_UNPOPULATED (1 << 13)
#endif
#ifndef UFFD_FEATURE_POISON
#define UFFD_FEATURE_POISON (1 << 14)
#endif
#ifndef UFFD_FEATURE_WP_ASYNC
#define UFFD_FEATURE_WP_ASYNC (1 << 15)
#endif

namespace oomcast::record {

/// Opens /dev/userfaultfd. Its holder may create userfaultfds that report faults taken in the kernel, without
/// privilege.
UniqueFd open_userfaultfd_device();

class Userfaultfd final : public FaultChannel {
 public:
  Userfaultfd() = default;
  explicit Userfaultfd(UniqueFd fd) : fd_(std::move(fd)) {}

  /// kSilent: for memory whose unmapping is reported in another way, since each event holds the unmapping thread.
  enum class Unmaps { kReported, kSilent };
  /// kReported: each fork gives an event with the child's own userfaultfd. Needs CAP_SYS_PTRACE.
  enum class Forks { kReported, kSilent };
  /// UFFDIO_API: agrees on the features. False: the kernel lacks the least that is needed.
  bool negotiate(Unmaps unmaps = Unmaps::kReported, Forks forks = Forks::kSilent);
  /// The same for wp-async: no fault is held; a write to a protected page only removes the protection. False: no
  /// WP_ASYNC.
  bool negotiate_async(Unmaps unmaps = Unmaps::kReported);
  bool valid() const { return fd_.get() >= 0; }
  bool write_protects() const override { return write_protects_; }
  bool reports_forks() const { return reports_forks_; }
  int fd() const override { return fd_.get(); }
  void reset() { fd_.reset(); }

  bool register_range(uint64_t start, uint64_t end) override;
  bool unregister_range(uint64_t start, uint64_t end) override;
  FaultResult fill(uint64_t start, uint64_t pages, bool wake, bool protect, uint64_t* filled) override;
  FaultResult copy(uint64_t page, const void* content) override;
  FaultResult map_zero(uint64_t start, uint64_t pages, uint64_t* filled) override;
  FaultResult protect(uint64_t start, uint64_t end, bool on, bool wake) override;
  void wake(uint64_t start, uint64_t end) override;
  size_t read(std::span<uffd_msg> out) override;
  bool address_space_lives() override;

 private:
  UniqueFd fd_;
  bool write_protects_ = false;
  bool async_ = false;
  bool reports_forks_ = false;
};

}  // namespace oomcast::record
