// Checks invariants, in release builds too. A broken invariant ends the process that checks, never the guest.
//
// Only the model and the recorder use this check. Code in preload/inject must not: it counts the fault and goes on.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace oomcast::detail {
[[noreturn]] inline void check_failed(const char* what, const char* file, int line) {
  std::fprintf(stderr, "oomcast: internal error at %s:%d: %s does not hold; please report this with the trace\n", file,
               line, what);
  std::abort();
}
}  // namespace oomcast::detail

#define OOMCAST_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::oomcast::detail::check_failed(#condition, __FILE__, __LINE__))
