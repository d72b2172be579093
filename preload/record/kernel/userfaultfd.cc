// Userfaultfd: makes the ioctls and turns errno into a FaultResult.
#include "preload/record/kernel/userfaultfd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "model/base/units.h"

namespace oomcast::record {
namespace {

/// Source of UFFDIO_COPY, kMostPages long. All its pages map the one zero page of the kernel, which stays in the CPU's
/// cache. Null: no memory.
const char* zeroes() {
  static const char* const pages = [] {
    constexpr size_t kBytes = Userfaultfd::kMostPages * static_cast<size_t>(kPageBytes);
    void* const memory = ::mmap(nullptr, kBytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    return memory == MAP_FAILED ? nullptr : static_cast<const char*>(memory);
  }();
  return pages;
}

/// REMOVE, UNMAP and REMAP show frees, also those that libc makes inside. Each holds its caller until it is read.
uint64_t event_features(Userfaultfd::Unmaps unmaps) {
  return UFFD_FEATURE_EVENT_REMAP | UFFD_FEATURE_EVENT_REMOVE |
         (unmaps == Userfaultfd::Unmaps::kReported ? UFFD_FEATURE_EVENT_UNMAP : 0);
}

FaultResult result_of(int error) {
  switch (error) {
    case EEXIST:
      return FaultResult::kAlreadyThere;
    case EAGAIN:
      return FaultResult::kRetry;
    case ENOMEM:
      return FaultResult::kNoMemory;
    default:
      return FaultResult::kGone;
  }
}

}  // namespace

UniqueFd open_userfaultfd_device() { return UniqueFd(::open("/dev/userfaultfd", O_RDWR | O_CLOEXEC)); }

bool Userfaultfd::negotiate(Unmaps unmaps, Forks forks) {
  const uint64_t events = event_features(unmaps) | UFFD_FEATURE_THREAD_ID;
  uffdio_api api{};
  api.api = UFFD_API;
  api.features = events | UFFD_FEATURE_PAGEFAULT_FLAG_WP | UFFD_FEATURE_EVENT_FORK;
  if (forks == Forks::kReported && ::ioctl(fd_.get(), UFFDIO_API, &api) == 0)
    return write_protects_ = reports_forks_ = true;
  api = {};
  api.api = UFFD_API;
  api.features = events | UFFD_FEATURE_PAGEFAULT_FLAG_WP;
  if (::ioctl(fd_.get(), UFFDIO_API, &api) == 0) {
    write_protects_ = true;
    return true;
  }
  api = {};
  api.api = UFFD_API;
  api.features = events;
  return ::ioctl(fd_.get(), UFFDIO_API, &api) == 0;
}

bool Userfaultfd::negotiate_async(Unmaps unmaps) {
  uffdio_api api{};
  api.api = UFFD_API;
  api.features =
      event_features(unmaps) | UFFD_FEATURE_PAGEFAULT_FLAG_WP | UFFD_FEATURE_WP_UNPOPULATED | UFFD_FEATURE_WP_ASYNC;
  write_protects_ = async_ = ::ioctl(fd_.get(), UFFDIO_API, &api) == 0;
  return async_;
}

bool Userfaultfd::register_range(uint64_t start, uint64_t end) {
  uffdio_register request{};
  request.range = {start, end - start};
  request.mode =
      async_ ? UFFDIO_REGISTER_MODE_WP : UFFDIO_REGISTER_MODE_MISSING | (write_protects_ ? UFFDIO_REGISTER_MODE_WP : 0);
  return ::ioctl(fd_.get(), UFFDIO_REGISTER, &request) == 0;
}

bool Userfaultfd::unregister_range(uint64_t start, uint64_t end) {
  uffdio_range range{start, end - start};
  return ::ioctl(fd_.get(), UFFDIO_UNREGISTER, &range) == 0;
}

FaultResult Userfaultfd::fill(uint64_t start, uint64_t pages, bool wake, bool protect, uint64_t* filled) {
  if (pages > kMostPages) pages = kMostPages;
  uffdio_copy copy{};
  copy.dst = start;
  copy.src = reinterpret_cast<uint64_t>(zeroes());
  copy.len = pages << kPageShift;
  copy.mode = (wake ? 0 : UFFDIO_COPY_MODE_DONTWAKE) | (protect && write_protects_ ? UFFDIO_COPY_MODE_WP : 0);
  if (::ioctl(fd_.get(), UFFDIO_COPY, &copy) == 0) {
    *filled = pages;
    return FaultResult::kDone;
  }
  const int error = errno;
  *filled = copy.copy > 0 ? static_cast<uint64_t>(copy.copy) >> kPageShift : 0;
  // A part was filled. Touches of the other pages fault again.
  if (*filled > 0) return FaultResult::kDone;
  return copy.copy < 0 ? result_of(static_cast<int>(-copy.copy)) : result_of(error);
}

FaultResult Userfaultfd::copy(uint64_t page, const void* content) {
  uffdio_copy copy{};
  copy.dst = page;
  copy.src = reinterpret_cast<uint64_t>(content);
  copy.len = static_cast<uint64_t>(kPageBytes);
  return ::ioctl(fd_.get(), UFFDIO_COPY, &copy) == 0 ? FaultResult::kDone : result_of(errno);
}

FaultResult Userfaultfd::map_zero(uint64_t start, uint64_t pages, uint64_t* filled) {
  uffdio_zeropage zero{};
  zero.range = {start, pages << kPageShift};
  zero.mode = UFFDIO_ZEROPAGE_MODE_DONTWAKE;
  if (::ioctl(fd_.get(), UFFDIO_ZEROPAGE, &zero) == 0) {
    *filled = pages;
    return FaultResult::kDone;
  }
  const int error = errno;
  *filled = zero.zeropage > 0 ? static_cast<uint64_t>(zero.zeropage) >> kPageShift : 0;
  if (*filled > 0) return FaultResult::kDone;
  return zero.zeropage < 0 ? result_of(static_cast<int>(-zero.zeropage)) : result_of(error);
}

FaultResult Userfaultfd::protect(uint64_t start, uint64_t end, bool on, bool wake) {
  uffdio_writeprotect request{};
  request.range = {start, end - start};
  request.mode = on ? UFFDIO_WRITEPROTECT_MODE_WP : (wake ? 0 : UFFDIO_WRITEPROTECT_MODE_DONTWAKE);
  return ::ioctl(fd_.get(), UFFDIO_WRITEPROTECT, &request) == 0 ? FaultResult::kDone : result_of(errno);
}

void Userfaultfd::wake(uint64_t start, uint64_t end) {
  uffdio_range range{start, end - start};
  ::ioctl(fd_.get(), UFFDIO_WAKE, &range);
}

size_t Userfaultfd::read(std::span<uffd_msg> out) {
  ssize_t got;
  do got = ::read(fd_.get(), out.data(), out.size_bytes());
  while (got < 0 && errno == EINTR);
  return got > 0 ? static_cast<size_t>(got) / sizeof(uffd_msg) : 0;
}

bool Userfaultfd::address_space_lives() {
  // Makes page 1 GiB writable, which changes nothing: nothing is armed there. ENOENT: no such page; ESRCH: the address
  // space is gone.
  uffdio_writeprotect request{};
  request.range = {uint64_t{1} << 30, static_cast<uint64_t>(kPageBytes)};
  request.mode = UFFDIO_WRITEPROTECT_MODE_DONTWAKE;
  return ::ioctl(fd_.get(), UFFDIO_WRITEPROTECT, &request) == 0 || errno != ESRCH;
}

}  // namespace oomcast::record
