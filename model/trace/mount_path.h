// Packs the path of a mount point into kMount events, sixteen characters in each, and puts it together again.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "model/trace/event.h"

namespace oomcast::trace {

inline constexpr size_t kMountPiece = 16;
inline constexpr size_t kMountPathMost = 4096;  // PATH_MAX

/// Event::address and Event::bytes of one piece.
inline std::array<uint64_t, 2> mount_words(std::string_view piece) {
  std::array<uint64_t, 2> words{};
  std::memcpy(words.data(), piece.data(), std::min(piece.size(), kMountPiece));
  return words;
}

/// The next piece of a path. REQUIRES: event.kind == EventKind::kMount.
inline void add_mount_piece(const Event& event, std::string& path) {
  char piece[kMountPiece + 1] = {};
  std::memcpy(piece, &event.address, 8);
  std::memcpy(piece + 8, &event.bytes, 8);
  if (path.size() < kMountPathMost) path += piece;
}

}  // namespace oomcast::trace
