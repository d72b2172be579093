// Memory that is a file: tmpfs, memfds, System V segments and shared anonymous memory. How its pages come, go to swap
// and end.
//
// Mirrors shmem_get_folio_gfp(), shmem_swapin_folio(), shmem_writepage() and shmem_file_read_iter() (mm/shmem.c) of
// Linux 6.1; kernel-spec section 10.8. A page is in the file, in the swap cache or in a slot; the file's tree says
// which, page tables only map what is in the file. Differs: no huge pages (shmem_enabled is "never" by default).
// What a mount holds at most: tmpfs.h. Files of ramfs are here too: the same, but on the unevictable list.
#pragma once

#include "model/mm/kernel.h"

namespace oomcast::mm {

/// kFault: through a mapping. kWrite: write() and its like.
enum class ShmemUse : uint8_t { kFault, kWrite };
/// The page at `index`, allocated and charged to the process's group if the file has none there, read back if it was
/// swapped out. `vpn`: where the process maps it, for its memory policy; 0 if it does not. kNoPage: no memory is to be
/// had, or the task is dying.
host::PageId shmem_page(Kernel& k, host::ProcessIndex process, uint64_t vpn, host::FileIndex file, uint64_t index,
                        ShmemUse use);

/// read() and write(). Bytes need not be aligned. A hole that is read takes no memory. False: the task is dying.
bool shmem_read(Kernel& k, host::ProcessIndex process, host::FileIndex file, uint64_t offset, uint64_t bytes);
bool shmem_write(Kernel& k, host::ProcessIndex process, host::FileIndex file, uint64_t offset, uint64_t bytes);

/// The child of a fork has its parent's descriptors and mappings.
void share_held_files(Kernel& k, host::ProcessIndex parent, host::ProcessIndex child);
/// exit_files() of a process whose memory is unmapped: files without a name go with their last holder.
void release_held_files(Kernel& k, host::ProcessIndex process);

/// shmem_writepage() up to the I/O: an unmapped page leaves its file for the swap cache. False when swap is full.
bool shmem_to_swap(Kernel& k, host::PageId id);
/// The page is about to be freed by truncation: it counts in no footprint any more.
void forget_shmem_page(Kernel& k, host::PageId id);

}  // namespace oomcast::mm
