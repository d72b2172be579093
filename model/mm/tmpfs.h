// Counts the pages on each mount of tmpfs against its limit.
//
// Mirrors shmem_inode_acct_blocks() and shmem_inode_unacct_blocks() (mm/shmem.c): a page counts from when it comes
// until its file is cut, in memory or in swap. Differs: the program has really written what the target refuses, so the
// page comes all the same; quotas and nr_inodes are left out, and so is what lay on the mount before the run.
#pragma once

#include <string>
#include <vector>

#include "model/mm/kernel.h"

namespace oomcast::mm {

/// The mount of the target on which a file lies whose mount point here is `path`. `mounts`: what the target has of
/// them; `owner`: the service (Host::services) whose alone they are, 0: everybody's.
host::MountIndex mount_on_target(host::Host& host, const std::vector<host::TmpfsSpec>& mounts, const std::string& path,
                                 uint8_t owner);
/// The file lies there, with what it has already.
void put_on_mount(host::Host& host, host::File& file, host::MountIndex mount);

/// Before a page comes: reports the first one beyond the limit as a refusal. `mapped`: through a mapping, by SIGBUS.
void ask_for_block(Kernel& k, host::ProcessIndex process, const host::File& file, bool mapped);
/// It has come, or `pages` are gone (negative). REQUIRES: a file in memory.
void count_blocks(host::Host& host, const host::File& file, int64_t pages);

}  // namespace oomcast::mm
