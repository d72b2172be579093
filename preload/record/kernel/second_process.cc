// Closes the descriptors that a copy of the recorder does not need.
#include "preload/record/kernel/second_process.h"

#include <sys/syscall.h>

#include <algorithm>

namespace oomcast::record {

void close_all_but(std::array<int, 3> kept) {
  std::sort(kept.begin(), kept.end());
  unsigned from = 0;
  for (const int descriptor : kept) {
    if (descriptor < 0) continue;
    const auto number = static_cast<unsigned>(descriptor);
    if (number > from) ::syscall(SYS_close_range, from, number - 1, 0);
    from = number + 1;
  }
  ::syscall(SYS_close_range, from, ~0u, 0);
}

}  // namespace oomcast::record
