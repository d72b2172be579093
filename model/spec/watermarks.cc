// Watermarks, reserves and per-CPU list sizes. See watermarks.h. All divisions round down, as the kernel's do.
#include "model/spec/watermarks.h"

#include <algorithm>
#include <bit>

#include "model/spec/field_names.h"
#include "model/spec/kernel_rules.h"
#include "model/spec/proportion.h"

namespace oomcast::host {
namespace {

constexpr int64_t kPageblock = 512;

template <class Visit>
void for_each_zone(HostSpec& spec, Visit visit) {
  for (NodeSpec& node : spec.nodes) {
    for (ZoneSpec& zone : node.zones) visit(node, zone);
  }
}

// nr_free_buffer_pages(): managed less high mark, over the zones up to Normal. It uses the marks in force, as the
// kernel does, so that a second computation of the marks gives another result than the first.
int64_t free_buffer_pages(const HostSpec& spec) {
  int64_t pages = 0;
  for (const NodeSpec& node : spec.nodes) {
    for (const ZoneSpec& zone : node.zones) {
      if (zone.kind > ZoneKind::kNormal) continue;
      pages += std::max<int64_t>(0, (zone.managed - zone.watermarks.high - zone.boost).count());
    }
  }
  return pages;
}

// int_sqrt().
int64_t floor_sqrt(int64_t value) {
  int64_t root = 0;
  for (int64_t bit = int64_t{1} << 31; bit != 0; bit >>= 1) {
    if ((root + bit) * (root + bit) <= value) root += bit;
  }
  return root;
}

// __setup_per_zone_wmarks().
void distribute(HostSpec& spec, int64_t min_free_kbytes) {
  const bool movable_apart = holds(KernelRule::kMovableMarksApart, spec.kernel);
  const int64_t pages_min = min_free_kbytes / 4;
  int64_t lowmem = 0;
  for_each_zone(spec, [&](NodeSpec&, ZoneSpec& zone) {
    if (!(movable_apart && zone.kind == ZoneKind::kMovable)) lowmem += zone.managed.count();
  });
  for_each_zone(spec, [&](NodeSpec&, ZoneSpec& zone) {
    const int64_t managed = zone.managed.count();
    // proportion() works in 128 bits: on the largest hosts that are accepted the product overflows 64 bits, as the
    // kernel's u64 would.
    const int64_t share = proportion(pages_min, managed, lowmem);
    int64_t min = share;
    if (movable_apart && zone.kind == ZoneKind::kMovable) min = std::clamp<int64_t>(managed / 1024, 32, 128);
    const int64_t gap = std::max(share / 4, managed * spec.vm.watermark_scale_factor / 10000);
    zone.watermarks = {Pages(min), Pages(min + gap), Pages(min + 2 * gap)};
    // Before 4.6: low = min * 5/4, high = min * 3/2, whatever the size of the zone.
    if (!holds(KernelRule::kWatermarkScale, spec.kernel))
      zone.watermarks = {Pages(min), Pages(min + share / 4), Pages(min + share / 2)};
    zone.boost = Pages(0);
  });
}

}  // namespace

int64_t default_min_free_kbytes(const HostSpec& spec) {
  const int64_t most = holds(KernelRule::kLargerMinFree, spec.kernel) ? 262144 : 65536;
  return std::clamp<int64_t>(floor_sqrt(16 * 4 * free_buffer_pages(spec)), 128, most);
}

int64_t recommended_min_free_kbytes(const HostSpec& spec) {
  const int64_t kbytes = default_min_free_kbytes(spec);
  if (spec.vm.thp_enabled == ThpMode::kNever) return kbytes;
  int64_t zones = 0;
  for (const NodeSpec& node : spec.nodes) {
    for (const ZoneSpec& zone : node.zones) zones += zone.kind <= ZoneKind::kNormal && zone.present > Pages(0);
  }
  // set_recommended_min_free_kbytes(): two pageblocks per zone, and one for each pair of the three migrate types.
  const int64_t pages = std::min(kPageblock * zones * 2 + kPageblock * zones * 3 * 3, free_buffer_pages(spec) / 20);
  return std::max(kbytes, pages * 4);
}

int64_t boot_min_free_kbytes(const HostSpec& spec) {
  HostSpec booting = spec;
  for_each_zone(booting, [](NodeSpec&, ZoneSpec& zone) {
    zone.watermarks = {};
    zone.boost = Pages(0);
  });
  const int64_t first = default_min_free_kbytes(booting);
  distribute(booting, first);
  return std::max(first, recommended_min_free_kbytes(booting));
}

void setup_watermarks(HostSpec& spec) {
  distribute(spec, spec.vm.min_free_kbytes >= 0 ? spec.vm.min_free_kbytes : boot_min_free_kbytes(spec));
}

void setup_lowmem_reserve(HostSpec& spec) {
  for (NodeSpec& node : spec.nodes) {
    for (ZoneSpec& zone : node.zones) {
      const auto kind = static_cast<size_t>(zone.kind);
      const int64_t ratio = kind < spec.vm.lowmem_reserve_ratio.size() ? spec.vm.lowmem_reserve_ratio[kind] : 0;
      zone.lowmem_reserve = {};
      if (ratio == 0 || zone.managed == Pages(0)) continue;
      int64_t above = 0;
      for (size_t column = kind + 1; column < zone.lowmem_reserve.size(); ++column) {
        for (const ZoneSpec& higher : node.zones) {
          if (static_cast<size_t>(higher.kind) == column) above += higher.managed.count();
        }
        zone.lowmem_reserve[column] = Pages(above / ratio);
      }
    }
  }
}

Pages pcp_batch(Pages managed) {
  const int64_t wanted = std::max<int64_t>(1, std::min<int64_t>(managed.count() / 1024, 256) / 4);
  const auto power = std::bit_floor(static_cast<uint64_t>(wanted + wanted / 2));
  return Pages(std::max<int64_t>(1, static_cast<int64_t>(power) - 1));
}

void setup_pcp(HostSpec& spec) {
  for_each_zone(spec, [&](NodeSpec& node, ZoneSpec& zone) {
    const auto sharers = static_cast<int64_t>(node.cpus.empty() ? spec.cpus.size() : node.cpus.size());
    const Pages batch = pcp_batch(zone.managed);
    const int fraction = spec.vm.percpu_pagelist_high_fraction;
    const Pages total = fraction > 0 ? zone.managed / fraction : zone.watermarks.low + zone.boost;
    const Pages high = std::max(total / std::max<int64_t>(sharers, 1), batch * 4);
    zone.pcp.resize(spec.cpus.size());
    for (PcpSpec& pcp : zone.pcp) {
      pcp.batch = batch;
      pcp.high = high;
    }
  });
}

Pages stat_threshold(Pages managed, int cpus) {
  const auto fls = [](int64_t value) { return static_cast<int64_t>(std::bit_width(static_cast<uint64_t>(value))); };
  return Pages(std::min<int64_t>(125, 2 * fls(cpus) * (1 + fls(managed.count() >> 15))));
}

}  // namespace oomcast::host
