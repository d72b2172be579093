// Reverse mappings: reads the young bits of a page's mappings, and unmaps the page.
//
// Mirrors folio_referenced() and try_to_unmap() in mm/rmap.c. Differs: one young bit per page, not one per mapping, so
// a page shared after fork counts as referenced once at most.
#pragma once

#include "model/mm/kernel.h"

namespace oomcast::mm {

/// Clears the young bit and returns how many mappings were young. Asks the recorder to report the next use of the page.
int clear_young(Kernel& k, host::Page& page);
/// Replaces every mapping by the page's swap entry (anonymous) or by nothing (file).
void try_to_unmap(Kernel& k, host::PageId id);
/// Drops every mapping of a lazily freed page; the next touch finds fresh zeroes.
void unmap_lazyfree(Kernel& k, host::PageId id);
/// An anonymous page gets its first mapper, which is kept in the page itself.
inline void set_first_mapper(host::Page& page, host::ProcessIndex process, uint64_t vpn) {
  page.mapcount = 1;
  page.set_owner(process);
  page.set_vpn(vpn);
}
/// Adds or removes one mapping. remove_mapper() returns the mappings left.
void add_mapper(Kernel& k, host::PageId id, host::ProcessIndex process, uint64_t vpn);
int remove_mapper(Kernel& k, host::PageId id, host::ProcessIndex process, uint64_t vpn);

/// A page of the program leaves memory. If it was part of a huge page and never used, it is taken off the count of such
/// pages.
inline void forget_untouched(host::Host& host, host::Page& page) {
  if (page.anon() && page.test_and_clear(host::kPageUntouched)) --host.guest_untouched;
}

/// Calls f(process, vpn) for each mapper of the page.
template <class F>
void for_each_mapper(const host::Host& host, const host::Page& page, F&& f) {
  if (page.mapcount == 0) return;
  if (page.owner != host::kNoProcess) f(page.owner, page.vpn);
  for (uint32_t i = page.sharers; i != 0; i = host.sharers[i].next) f(host.sharers[i].process, host.sharers[i].vpn);
}

}  // namespace oomcast::mm
