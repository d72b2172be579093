// Writes dirty pages, and makes writers wait. Thresholds, the flusher, and the brake on writers.
//
// Mirrors domain_dirty_limits(), balance_dirty_pages(), wb_workfn() and folio_account_dirtied() (mm/page-writeback.c,
// fs/fs-writeback.c) of Linux 6.1. Differs: one disk and one flusher; the bandwidth estimate is the disk's own figure;
// files are flushed one after the other, oldest first.
#pragma once

#include "model/mm/kernel.h"

namespace oomcast::mm {

struct DirtyLimits {
  int64_t background = 0, dirty = 0;  // pages
};
DirtyLimits dirty_limits(const host::Host& host);
/// node_dirty_ok(): may a page that will be dirtied come from this node?
bool node_dirty_ok(const host::Host& host, host::NodeIndex node);

void set_page_dirty(Kernel& k, host::PageId id);
/// The page is not dirty any more, for another reason than being written (truncation).
void clear_page_dirty(Kernel& k, host::PageId id);
/// After each page that a task has dirtied: lets it pass, or makes it wait.
void balance_dirty_pages_ratelimited(Kernel& k);
/// fsync(): everything of the file is written and on disk. False if the task is dying.
bool sync_file(Kernel& k, host::FileIndex file);
void end_file_write(Kernel& k, host::PageId id, host::CpuIndex cpu);
/// One page, from reclaim (kswapd under PGDAT_DIRTY).
void write_page(Kernel& k, host::PageId id);
/// Reclaim met nothing but dirty pages: all of them should be written now.
void wakeup_flusher(Kernel& k, bool everything);
/// The thread: never returns.
void flusher_main(Kernel& k);

}  // namespace oomcast::mm
