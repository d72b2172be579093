// Places pages in generations and counts their accesses. See lru_gen.h; kernel-spec sections 5.2 and 5.3.
#include "model/mm/lru_gen.h"

#include <algorithm>

namespace oomcast::mm {

using host::LruGen;
using host::LruKindIndex;
using host::Page;
using host::PageId;

namespace {

uint64_t seq_of(const LruGen& gens, const Page& page, bool reclaiming) {
  const size_t type = host::gen_type(page);
  if (page.has(host::kPageActive)) return gens.max_seq;
  const bool held_up = page.has(host::kPageReclaim) && page.has(host::kPageDirty | host::kPageWriteback);
  if ((type == host::kGenAnon && !page.has(host::kPageSwapCache)) || held_up) return gens.max_seq - 1;
  if (reclaiming || gens.min_seq[type] + host::kGenerationsMin >= gens.max_seq) return gens.min_seq[type];
  return gens.min_seq[type] + 1;
}

void clear_refs(Page& page) {
  page.refs = 0;
  page.clear(host::kPageReferenced | host::kPageWorkingset);
}

}  // namespace

void lru_gen_add(Kernel& k, PageId id, bool reclaiming) {
  Page& page = k.host.pages[id];
  LruGen& gens = *k.host.lruvec_of(page).gens;
  const size_t gen = host::gen_of_seq(seq_of(gens, page, reclaiming));
  if (page.has(host::kPageActive)) {
    page.refs = 0;
    page.clear(host::kPageReferenced | host::kPageActive);
  }
  page.list = static_cast<LruKindIndex>(gen);
  gens.count(page, gen, 1);
  if (reclaiming)
    gens.link_tail(k.host.pages, id, gen);
  else
    gens.link_head(k.host.pages, id, gen);
}

void lru_gen_del(Kernel& k, PageId id) {
  Page& page = k.host.pages[id];
  LruGen& gens = *k.host.lruvec_of(page).gens;
  gens.count(page, static_cast<size_t>(page.list), -1);
  gens.unlink(k.host.pages, id);
  page.list = LruKindIndex::kNone;
}

void lru_gen_inc_refs(Page& page) {
  if (!page.has(host::kPageReferenced))
    page.set(host::kPageReferenced);
  else if (!page.has(host::kPageWorkingset))
    page.set(host::kPageWorkingset);
  else if (page.refs < host::kRefsMax)
    page.refs = (page.refs + 1) & host::kRefsMax;
}

void lru_gen_update_gen(host::Lruvec& lruvec, Page& page, size_t gen) {
  if (page.list >= LruKindIndex::kUnevictable) {
    page.set(host::kPageReferenced);  // isolated: reclaim_page() checks the flag
    return;
  }
  lruvec.gens->count(page, static_cast<size_t>(page.list), -1);
  lruvec.gens->count(page, gen, 1);
  clear_refs(page);
  page.list = static_cast<LruKindIndex>(gen);
}

size_t lru_gen_inc_gen(host::Lruvec& lruvec, Page& page) {
  LruGen& gens = *lruvec.gens;
  const size_t oldest = host::gen_of_seq(gens.min_seq[host::gen_type(page)]);
  const auto gen = static_cast<size_t>(page.list);
  if (gen != oldest) return gen;
  const size_t next = (oldest + 1) % host::kGenerations;
  gens.count(page, oldest, -1);
  gens.count(page, next, 1);
  clear_refs(page);
  page.list = static_cast<LruKindIndex>(next);
  return next;
}

int64_t lru_gen_refs(const Page& page) { return page.refs + (page.has(host::kPageWorkingset) ? 1 : 0); }

// order_base_2(refs + 1)
size_t lru_gen_tier(int64_t refs) { return refs == 0 ? 0 : refs == 1 ? 1 : refs <= 3 ? 2 : 3; }

}  // namespace oomcast::mm
