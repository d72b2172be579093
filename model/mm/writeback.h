// Writeback of dirty pages: thresholds, the flusher, and the throttling of writers.
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
/// node_dirty_ok(): whether a page that will be dirtied may be allocated on this node.
bool node_dirty_ok(const host::Host& host, host::NodeIndex node);

void set_page_dirty(Kernel& k, host::PageId id);
/// Takes the page off the counts of dirty pages: it was truncated, or its write begins.
void clear_page_dirty(Kernel& k, host::PageId id);
/// Called after each page that a task has dirtied: returns at once, or makes the task wait.
void balance_dirty_pages_ratelimited(Kernel& k);
/// fsync(): writes all dirty pages of the file and waits for them. False if the task is dying.
bool sync_file(Kernel& k, host::FileIndex file);
void end_file_write(Kernel& k, host::PageId id, host::CpuIndex cpu);
/// Starts the write of one page for reclaim (kswapd under PGDAT_DIRTY).
void write_page(Kernel& k, host::PageId id);
/// Wakes the flusher. `everything`: reclaim met only dirty pages, so all dirty pages are written.
void wakeup_flusher(Kernel& k, bool everything);
/// The flusher thread. Never returns.
void flusher_main(Kernel& k);

}  // namespace oomcast::mm
