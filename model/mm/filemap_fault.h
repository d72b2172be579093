// Handles faults in mapped files: fault-around, writes, and unmapping.
//
// Mirrors do_read_fault(), do_cow_fault(), do_shared_fault(), filemap_fault(), filemap_map_pages() and the file half of
// zap_pte_range() (mm/memory.c, mm/filemap.c) of Linux 6.1. Differs: no advice per mapping (MADV_RANDOM, _SEQUENTIAL);
// fork copies no entries of file mappings, not even of private ones that were written to, the child faults them in.
#pragma once

#include "model/mm/kernel.h"

namespace oomcast::mm {

enum class FileFault : uint8_t { kMapped, kNeedsCopy, kFailed };
/// A fault on an empty entry. A write to a private mapping reads the data and asks for a copy (kNeedsCopy). Every other
/// access maps the page, and its neighbours that are cached. kFailed: the task is dying or there is no memory.
FileFault file_fault(Kernel& k, host::ProcessIndex process, uint64_t vpn, bool write);
/// A write through an entry that is present: dirties the file's page, or asks for a copy.
FileFault write_mapped_file_page(Kernel& k, host::ProcessIndex process, uint64_t vpn);
/// zap_pte_range(): an entry that mapped the page is gone. If it was young, the page is marked as accessed.
void unmap_file_page(Kernel& k, host::ProcessIndex process, uint64_t vpn, host::PageId id);
/// Whether a mapping with VM_EXEC maps the page.
bool mapped_executable(const Kernel& k, const host::Page& page);

}  // namespace oomcast::mm
