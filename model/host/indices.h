// Index types for nodes, CPUs, zones and cgroups of a Host.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "model/base/index.h"
#include "model/spec/host_spec.h"

namespace oomcast::host {

/// A node by its position in Host::nodes. Its number in the kernel is a NodeId.
using NodeIndex = Index<struct NodeIndexTag, int16_t>;
inline constexpr NodeIndex kNoNode = -1;
/// An online CPU by its position in HostSpec::cpus.
using CpuIndex = Index<struct CpuIndexTag, int32_t>;
/// A memory cgroup by its position in Host::cgroups.
using CgroupIndex = Index<struct CgroupIndexTag, uint8_t>;
inline constexpr CgroupIndex kRootCgroup = 0;

/// The node and zone of a page.
struct ZoneRef {
  NodeIndex node = kNoNode;
  ZoneKind zone = ZoneKind::kDma;
  bool ok() const { return node != kNoNode; }
  friend bool operator==(const ZoneRef&, const ZoneRef&) = default;
};

/// One value for each kind of zone, also for zones that the node does not have.
template <class T>
using ByZone = IndexArray<ZoneKind, T, kZoneKinds>;

inline constexpr std::array<ZoneKind, kZoneKinds> kZonesAscending{ZoneKind::kDma, ZoneKind::kDma32, ZoneKind::kNormal,
                                                                  ZoneKind::kMovable, ZoneKind::kDevice};
/// The zones that a request up to `highest` may use, lowest first.
constexpr std::span<const ZoneKind> zones_up_to(ZoneKind highest) {
  return std::span(kZonesAscending).first(place_of(highest) + 1);
}
inline constexpr std::array<ZoneKind, kZoneKinds> kZonesDescending{ZoneKind::kDevice, ZoneKind::kMovable,
                                                                   ZoneKind::kNormal, ZoneKind::kDma32, ZoneKind::kDma};
/// The same zones, highest first, as the allocator tries them. (Clang 14 cannot read std::views::reverse of libstdc++
/// 12.)
constexpr std::span<const ZoneKind> zones_down_from(ZoneKind highest) {
  return std::span(kZonesDescending).last(place_of(highest) + 1);
}

}  // namespace oomcast::host
