// Reads and writes what is at an address of another process. Uses no heap. It may wait for a page that is missing:
// content that the recorder itself has to fill in is read elsewhere (guest_content.h).
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>

namespace oomcast::record {

/// Through any thread that has the process's memory. False: not all of it.
inline bool read_foreign(pid_t tid, uint64_t address, void* to, size_t bytes) {
  iovec local{to, bytes}, remote{reinterpret_cast<void*>(address), bytes};
  return ::process_vm_readv(tid, &local, 1, &remote, 1, 0) == static_cast<ssize_t>(bytes);
}

inline bool write_foreign(pid_t tid, uint64_t address, const void* from, size_t bytes) {
  iovec local{const_cast<void*>(from), bytes}, remote{reinterpret_cast<void*>(address), bytes};
  return ::process_vm_writev(tid, &local, 1, &remote, 1, 0) == static_cast<ssize_t>(bytes);
}

}  // namespace oomcast::record
