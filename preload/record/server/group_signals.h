// Tells signals that were sent to the recorder alone from those of its whole process group.
//
// A guest in the same process group has got the latter itself: to pass them on would give it each of them twice. No
// siginfo says which it was, so that a second process of the group, that only waits, is asked whether it has got the
// signal too.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "preload/record/kernel/unique_fd.h"

namespace oomcast::record {

/// A set of signals, bit N - 1 for signal N.
using SignalSet = uint64_t;
constexpr SignalSet signal_bit(int signal) { return uint64_t{1} << (signal - 1); }

class GroupSignals {
 public:
  GroupSignals() = default;
  ~GroupSignals();
  GroupSignals(const GroupSignals&) = delete;
  GroupSignals& operator=(const GroupSignals&) = delete;

  /// Starts the process. The signals of signals_to_hold() must be blocked.
  void start();
  /// What it has got since the last call. A signal of the group that the caller has got is in it or was in an earlier
  /// answer. Empty if the process could not be started or has gone.
  SignalSet take();
  bool works() const { return static_cast<bool>(socket_); }

 private:
  UniqueFd socket_;
  pid_t pid_ = -1;
};

}  // namespace oomcast::record
