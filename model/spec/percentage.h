// Parses percentages, as the kubelet's thresholds and systemd's limits are written.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "model/base/units.h"

namespace oomcast::host {

/// "12.5%" with at most two decimals, in hundredths of a per cent. Nothing beyond 0 to 100 %.
std::optional<int64_t> parse_permyriad(std::string_view word);
/// So much of `whole`.
constexpr Bytes share_of(Bytes whole, int64_t permyriad) { return Bytes(whole.count() / 10'000 * permyriad); }

}  // namespace oomcast::host
