// Watermarks, reserves and per-CPU list sizes of zones, computed from the settings.
//
// Mirrors __setup_per_zone_wmarks, calculate_min_free_kbytes, setup_per_zone_lowmem_reserve (mm/page_alloc.c) and
// set_recommended_min_free_kbytes (mm/khugepaged.c); kernel-spec sections 1.3 to 1.9, vectors in section 17.
#pragma once

#include "model/spec/host_spec.h"

namespace oomcast::host {

/// floor(sqrt(16 * lowmem_kb)), at least 128, at most 262144 (before 5.7: 65536). lowmem_kb: managed less high mark of
/// the zones up to Normal.
int64_t default_min_free_kbytes(const HostSpec& spec);
/// default_min_free_kbytes(), raised to khugepaged's demand when transparent huge pages are on.
int64_t recommended_min_free_kbytes(const HostSpec& spec);
/// What a host boots with if vm.min_free_kbytes is unset: the default sets the marks, and khugepaged's demand, computed
/// with these marks, may raise it.
int64_t boot_min_free_kbytes(const HostSpec& spec);
/// Sets min, low and high of every zone from vm.min_free_kbytes (if -1: boot_min_free_kbytes()) and the scale factor.
void setup_watermarks(HostSpec& spec);
/// Sets lowmem_reserve[] of every zone from vm.lowmem_reserve_ratio.
void setup_lowmem_reserve(HostSpec& spec);
/// zone_batchsize(), at least 1.
Pages pcp_batch(Pages managed);
/// Sets batch and high of every per-CPU list. high comes from the low mark (6.12: this is high_min), or from
/// percpu_pagelist_high_fraction.
void setup_pcp(HostSpec& spec);
/// Per-CPU counter threshold of a zone (calculate_normal_threshold).
Pages stat_threshold(Pages managed, int cpus);

}  // namespace oomcast::host
