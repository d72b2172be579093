// Reads and writes memory of another process. Uses no heap. May wait for a missing page, so pages that the recorder
// itself has to fill must be read in another way (guest_content.h).
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>

namespace oomcast::record {

/// `tid`: any thread that has the process's address space. False: not all bytes were copied.
inline bool read_foreign(pid_t tid, uint64_t address, void* to, size_t bytes) {
  iovec local{to, bytes}, remote{reinterpret_cast<void*>(address), bytes};
  return ::process_vm_readv(tid, &local, 1, &remote, 1, 0) == static_cast<ssize_t>(bytes);
}

inline bool write_foreign(pid_t tid, uint64_t address, const void* from, size_t bytes) {
  iovec local{const_cast<void*>(from), bytes}, remote{reinterpret_cast<void*>(address), bytes};
  return ::process_vm_writev(tid, &local, 1, &remote, 1, 0) == static_cast<ssize_t>(bytes);
}

}  // namespace oomcast::record
