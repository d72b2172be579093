// Computes when a zone is low on memory. Watermarks, reserves and per-CPU list sizes computed from the settings.
//
// Mirrors __setup_per_zone_wmarks, calculate_min_free_kbytes, setup_per_zone_lowmem_reserve (mm/page_alloc.c) and
// set_recommended_min_free_kbytes (mm/khugepaged.c); kernel-spec sections 1.3 to 1.9, vectors in section 17.
#pragma once

#include "model/spec/host_spec.h"

namespace oomcast::host {

/// floor(sqrt(16 * lowmem_kb)) clamped to 128..262144, from `managed - high` of the zones up to Normal.
int64_t default_min_free_kbytes(const HostSpec& spec);
/// default_min_free_kbytes, raised as khugepaged does when transparent huge pages are on.
int64_t recommended_min_free_kbytes(const HostSpec& spec);
/// What a host with vm.min_free_kbytes unset boots with: the default, its marks in force, then khugepaged's demand.
int64_t boot_min_free_kbytes(const HostSpec& spec);
/// Sets min/low/high of every zone from vm.min_free_kbytes (or the recommended value) and the scale factor.
void setup_watermarks(HostSpec& spec);
/// Sets lowmem_reserve[] of every zone from vm.lowmem_reserve_ratio.
void setup_lowmem_reserve(HostSpec& spec);
Pages pcp_batch(Pages managed);
/// Sets batch and high of every per-CPU list (6.1: from the low mark; 6.12: high_min) from the zone's watermarks.
void setup_pcp(HostSpec& spec);
/// Per-CPU counter threshold of a zone (calculate_normal_threshold).
Pages stat_threshold(Pages managed, int cpus);

}  // namespace oomcast::host
