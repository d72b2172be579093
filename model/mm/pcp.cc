// Computes how many pages to refill into a per-CPU page list (pcp) and how many to give back. See pcp.h; kernel-spec
// section 1.8.
#include "model/mm/pcp.h"

#include <algorithm>

#include "model/spec/kernel_rules.h"

namespace oomcast::mm {

using host::KernelVersion;
using host::Pcp;
using host::Zone;

namespace {

constexpr int kBatchScaleMax = 5;  // CONFIG_PCP_BATCH_SCALE_MAX

// nr_pcp_alloc() of 6.12: each refill doubles the next, up to 2^5 batches and within the room below pcp->high.
int64_t refill_auto_tuned(const Zone& zone, Pcp& pcp) {
  if (pcp.batch <= 1) return 1;
  if (pcp.high == 0) pcp.high = pcp.high_min;
  const int64_t scaled = pcp.batch << pcp.alloc_factor;
  if (pcp.high_min != pcp.high_max && !zone.below_high) pcp.high = std::min(pcp.high + scaled, pcp.high_max);
  const int64_t room = std::max(pcp.high - pcp.count - pcp.batch, pcp.batch);
  if (scaled <= room && pcp.alloc_factor < kBatchScaleMax) ++pcp.alloc_factor;
  return std::max<int64_t>(std::min(scaled, room), 2);
}

// nr_pcp_high() and nr_pcp_free() of 6.12.
int64_t surplus_auto_tuned(const Zone& zone, Pcp& pcp) {
  pcp.alloc_factor >>= 1;
  if (pcp.free_count < pcp.batch << kBatchScaleMax) ++pcp.free_count;
  if (pcp.high == 0) pcp.high = pcp.high_min;
  int64_t effective = pcp.high;
  const int64_t shrunk = std::max(pcp.high - std::max(pcp.free_count, pcp.batch), pcp.high_min);
  if (zone.reclaim_active) {
    effective = std::min(4 * pcp.batch, pcp.high);
    pcp.high = shrunk;
  } else if (zone.below_high) {
    pcp.high = shrunk;
    effective = std::max(pcp.count, pcp.high_min);
  } else if (pcp.count >= pcp.high && pcp.high_min != pcp.high_max) {
    const int64_t wanted = pcp.free_count + pcp.batch;
    if (pcp.high <= wanted) pcp.high = std::clamp(wanted, pcp.high_min, pcp.high_max);
  }
  if (pcp.count < effective) return 0;
  const int64_t most = std::max(effective - pcp.batch, pcp.batch);
  return std::min(pcp.count, std::clamp(pcp.free_count, pcp.batch, most));
}

}  // namespace

int64_t pcp_refill(const KernelVersion& kernel, const Zone& zone, Pcp& pcp) {
  if (holds(host::KernelRule::kPcpAutoTuned, kernel)) return refill_auto_tuned(zone, pcp);
  return pcp.batch > 1 ? std::max<int64_t>(pcp.batch, 2) : 1;
}

void pcp_note_alloc(Pcp& pcp, int64_t pages) {
  const int64_t halvings = std::min<int64_t>(pages, 63);
  pcp.free_factor >>= std::min<int64_t>(halvings, 31);
  pcp.free_count >>= halvings;
}

int64_t pcp_surplus(const KernelVersion& kernel, const Zone& zone, Pcp& pcp) {
  if (holds(host::KernelRule::kPcpAutoTuned, kernel)) return surplus_auto_tuned(zone, pcp);
  if (!holds(host::KernelRule::kPcpGivesMore, kernel)) return pcp.count < pcp.high ? 0 : std::min(pcp.count, pcp.batch);
  const int64_t high = zone.reclaim_active ? std::min(4 * pcp.batch, pcp.high) : pcp.high;
  if (pcp.count < high) return 0;
  const int64_t most = std::max<int64_t>(high - pcp.batch, 1);
  const int64_t scaled = pcp.batch << pcp.free_factor;
  if (scaled < most && pcp.free_factor < kBatchScaleMax) ++pcp.free_factor;
  return std::min(pcp.count, std::clamp(scaled, std::min(pcp.batch, most), most));
}

}  // namespace oomcast::mm
