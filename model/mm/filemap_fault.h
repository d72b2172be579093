// Handles the use of a page of a mapped file. Fault, fault-around, write, and unmapping.
//
// Mirrors do_read_fault(), do_cow_fault(), do_shared_fault(), filemap_fault(), filemap_map_pages() and the file half of
// zap_pte_range() (mm/memory.c, mm/filemap.c) of Linux 6.1. Differs: no advice per mapping (MADV_RANDOM, _SEQUENTIAL);
// fork copies no entries of file mappings, not even of private ones that were written to, the child faults them in.
#pragma once

#include "model/mm/kernel.h"

namespace oomcast::mm {

enum class FileFault : uint8_t { kMapped, kNeedsCopy, kFailed };
/// The entry is empty. A write to a private mapping brings the data in and asks for a copy (kNeedsCopy); everything
/// else is mapped, its neighbours in the cache with it. kFailed: the task is dying or no memory is to be had.
FileFault file_fault(Kernel& k, host::ProcessIndex process, uint64_t vpn, bool write);
/// A write through an entry that is present: dirties the file's page, or asks for a copy.
FileFault write_mapped_file_page(Kernel& k, host::ProcessIndex process, uint64_t vpn);
/// An entry that mapped the page is gone; what it saw of its use is remembered (zap_pte_range).
void unmap_file_page(Kernel& k, host::ProcessIndex process, uint64_t vpn, host::PageId id);
/// Does anybody map the page to run it (VM_EXEC)?
bool mapped_executable(const Kernel& k, const host::Page& page);

}  // namespace oomcast::mm
