// Packs the name of a process, as in /proc/PID/comm, into two words of a kComm event, and unpacks it.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "model/trace/event.h"

namespace oomcast::trace {

/// Returns Event::address and Event::bytes. Cuts the name to 15 bytes (TASK_COMM_LEN less the final zero).
inline std::array<uint64_t, 2> comm_words(std::string_view comm) {
  std::array<uint64_t, 2> words{};
  std::memcpy(words.data(), comm.data(), std::min<size_t>(comm.size(), 15));
  return words;
}

/// REQUIRES: event.kind == EventKind::kComm.
inline std::string comm_of(const Event& event) {
  char name[17] = {};
  std::memcpy(name, &event.address, 8);
  std::memcpy(name + 8, &event.bytes, 8);
  return name;
}

}  // namespace oomcast::trace
