// Names of the userfaultfd interface that older kernel headers lack.
#pragma once

#include <linux/userfaultfd.h>
#include <sys/ioctl.h>

#include <cstdint>

#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif
#ifndef USERFAULTFD_IOC_NEW
#define USERFAULTFD_IOC_NEW 0xaa00
#endif

namespace oomcast::ring {

/// struct uffdio_move of UFFDIO_MOVE (Linux 6.8): the kernel moves pages from one mapping to another of the same
/// address space.
struct UffdioMove {
  uint64_t to, from, bytes, mode;
  int64_t moved;  // bytes moved; negative errno: none
};
inline constexpr long kUffdioMove = _IOWR(UFFDIO, 0x05, UffdioMove);
inline constexpr uint64_t kUffdFeatureMove = uint64_t{1} << 16;

}  // namespace oomcast::ring
