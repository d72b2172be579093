// Holds what stood in the way of a mapping, a fork() or a page of a file in memory that the kernel refused, with its
// numbers. Each has another cure.
#pragma once

#include <cstdint>
#include <string>

#include "model/base/units.h"

namespace oomcast::mm {

enum class RefusedBy : uint8_t {
  kAddressSpaceLimit,  // RLIMIT_AS
  kDataLimit,          // RLIMIT_DATA
  kMapCount,           // vm.max_map_count
  kRamAndSwap,         // vm.overcommit_memory=0: one request exceeds RAM and swap together
  kCommitLimit,        // vm.overcommit_memory=2
  kPageTables,         // a fork() finds no memory for the page tables of the child
  kTmpfsFull,          // a mount of tmpfs holds all that it may: ENOSPC, or SIGBUS through a mapping
};

struct Refusal {
  RefusedBy by = RefusedBy::kRamAndSwap;
  Pages requested{};  // by the mapping that was refused; of a fork(): by the first one that the child cannot have
  int64_t limit = 0;  // in pages; of kMapCount: mappings of a process
  Pages committed{};  // of kCommitLimit: Committed_AS with the request
  bool fork = false;  // fork() asked
  Pages parent_committed{};  // of a fork(): what the parent has committed, all of which the child asks for
  std::string mount{};       // of kTmpfsFull: where it is mounted
  Pages in_use{};            // on it
  bool mapped = false;       // a mapping asked for the page, not a call
};

}  // namespace oomcast::mm
