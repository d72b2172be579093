// The lists of generations. See lru_gen.h.
#include "model/host/lru_gen.h"

namespace oomcast::host {

void LruGen::link_head(PageArray& pages, PageId id, size_t gen) {
  Page& page = pages[id];
  GenList& to = list(gen, page);
  page.prev = kNoPage;
  page.next = to.head;
  (to.head != kNoPage ? pages[to.head].prev : to.tail) = id;
  to.head = id;
}

void LruGen::link_tail(PageArray& pages, PageId id, size_t gen) {
  Page& page = pages[id];
  GenList& to = list(gen, page);
  page.next = kNoPage;
  page.prev = to.tail;
  (to.tail != kNoPage ? pages[to.tail].next : to.head) = id;
  to.tail = id;
}

void LruGen::unlink(PageArray& pages, PageId id) {
  Page& page = pages[id];
  // A page at the end of a list does not know which list: its generation number may be newer than the list's.
  for (size_t gen = 0; gen < kGenerations && (page.prev == kNoPage || page.next == kNoPage); ++gen) {
    GenList& from = list(gen, page);
    if (from.head != id && from.tail != id) continue;
    if (from.head == id) from.head = page.next;
    if (from.tail == id) from.tail = page.prev;
    break;
  }
  if (page.prev != kNoPage) pages[page.prev].next = page.next;
  if (page.next != kNoPage) pages[page.next].prev = page.prev;
  page.prev = page.next = kNoPage;
}

}  // namespace oomcast::host
