// GroupSignals: tells signals that were sent to the whole process group from those sent to the recorder alone.
//
// A guest in the same process group has received a group's signal itself, so relaying it would deliver it twice.
// siginfo does not say which it was. Therefore a second process stays in the group, does nothing but wait, and is asked
// whether it has received the signal too.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "preload/record/kernel/unique_fd.h"

namespace oomcast::record {

/// A set of signals: bit N - 1 for signal N.
using SignalSet = uint64_t;
constexpr SignalSet signal_bit(int signal) { return uint64_t{1} << (signal - 1); }

class GroupSignals {
 public:
  GroupSignals() = default;
  ~GroupSignals();
  GroupSignals(const GroupSignals&) = delete;
  GroupSignals& operator=(const GroupSignals&) = delete;

  /// Starts the second process. REQUIRES: the signals of signals_to_hold() are blocked.
  void start();
  /// Signals that the second process has received since the last call. A group's signal that the caller has already
  /// received is in this answer or was in an earlier one. Empty if the second process is not there or does not answer.
  SignalSet take();
  bool works() const { return static_cast<bool>(socket_); }

 private:
  UniqueFd socket_;
  pid_t pid_ = -1;
};

}  // namespace oomcast::record
