// zram. See zram.h.
#include "model/mm/zram.h"

#include "model/mm/page_alloc.h"

namespace oomcast::mm {

using host::SwapDevice;
using host::Vmstat;

namespace {

int64_t pool_pages(const SwapDevice& device) { return (device.zram_stored * device.spec().zram_percent + 99) / 100; }

}  // namespace

bool is_zram(const Kernel& k, host::SlotId slot) { return k.host.device(slot).spec().zram_percent > 0; }

bool zram_write(Kernel& k, host::PageId id) {
  host::Page& page = k.host.pages[id];
  SwapDevice& device = k.host.device(page.slot);
  host::SwapSlot& slot = device.slot(page.slot);
  k.host.count(Vmstat::nr_vmscan_write);
  if (!slot.stored) {
    ++device.zram_stored;
    // The caller reclaims (PF_MEMALLOC), so the pool may take the last free page.
    while (static_cast<int64_t>(device.zram_pool.size()) < pool_pages(device)) {
      const ZoneRef got = alloc_page(k, kGfpHighUserMovable, k.sched.current().node);
      if (!got.ok()) {
        --device.zram_stored;
        return false;
      }
      device.zram_pool.push_back(got);
    }
    slot.stored = true;
  }
  page.clear(host::kPageDirty);
  k.host.count(Vmstat::pswpout);
  k.host.count_swap_out(page.slot);
  k.host.count(Vmstat::pgpgout, kPageBytes / 1024);
  k.listener.on_swap_out(page.node());
  k.sched.cpu(device.spec().times.write_4k);
  return true;
}

void zram_free(Kernel& k, host::SlotId id) {
  SwapDevice& device = k.host.device(id);
  if (!device.slot(id).stored) return;
  device.slot(id).stored = false;
  --device.zram_stored;
  while (static_cast<int64_t>(device.zram_pool.size()) > pool_pages(device)) {
    const ZoneRef where = device.zram_pool.back();
    device.zram_pool.pop_back();
    free_page(k, where, k.sched.current().cpu);
  }
}

}  // namespace oomcast::mm
