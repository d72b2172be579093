// Watches how much memory this machine still has for the guest: MemAvailable, and what the memory cgroups above us
// leave.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace oomcast::record {

/// A memory cgroup's directory, and which files it has.
struct CgroupDirectory {
  std::string path;
  bool unified = false;  // cgroup v2
  bool operator==(const CgroupDirectory&) const = default;
};

/// The process's memory cgroup and all above it, as far as they are mounted here. `membership` is /proc/self/cgroup,
/// `mounts` is /proc/self/mountinfo.
std::vector<CgroupDirectory> memory_cgroups(const std::string& membership, const std::string& mounts);

/// What may still be charged: limit less usage, page cache that can be dropped counted as free. Empty strings are taken
/// for files that do not exist; no limit: UINT64_MAX.
uint64_t cgroup_left_bytes(const std::string& limit, const std::string& usage, const std::string& stat, bool unified);

class MemoryGuard {
 public:
  /// Measures what there is now. `percent` 0: never strikes.
  explicit MemoryGuard(int percent);
  struct Measurement {
    bool must_strike = false;          // somewhere less than the floor is left, and half of what is gone is the guest's
    uint64_t room_bytes = UINT64_MAX;  // what may go before that, at least
  };
  /// `guest_bytes`: what the guest has taken.
  Measurement measure(uint64_t guest_bytes) const;
  /// How many processes of our cgroup the kernel has killed for lack of memory since the start; of the machine if there
  /// is no cgroup.
  uint64_t kernel_kills() const;

 private:
  struct Limit {
    std::string cgroup;  // empty: the machine
    bool unified = false;
    uint64_t at_start_bytes = 0;
  };
  uint64_t left_bytes(const Limit& limit, uint64_t enough) const;
  uint64_t count_kills() const;

  int percent_;
  std::vector<CgroupDirectory> cgroups_;
  std::vector<Limit> limits_;
  uint64_t kills_at_start_ = 0;
};

}  // namespace oomcast::record
