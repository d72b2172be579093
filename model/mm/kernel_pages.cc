// Single pages for the kernel itself. See kernel_pages.h.
#include "model/mm/kernel_pages.h"

#include "model/mm/free_blocks.h"
#include "model/mm/memcg.h"
#include "model/mm/mempolicy.h"
#include "model/mm/page_alloc.h"

namespace oomcast::mm {
namespace {

void give_page_back(Kernel& k, ZoneRef where) {
  free_page(k, where, k.sched.current().cpu);
  give_back(k.host.nodes[where.node].zones[where.zone], host::Migratetype::kUnmovable);
}

}  // namespace

ZoneRef alloc_kernel_page(Kernel& k, host::CgroupIndex payer) {
  const ZoneRef where = alloc_page_task(k, kGfpKernel);
  if (!where.ok() || try_charge(k, payer)) return where;
  give_page_back(k, where);
  return {};
}

void free_kernel_page(Kernel& k, ZoneRef where, host::CgroupIndex payer) {
  give_page_back(k, where);
  uncharge(k.host, payer, 1);
}

}  // namespace oomcast::mm
