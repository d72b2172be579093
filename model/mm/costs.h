// Gives the time that the kernel's own steps take on the target. CPU costs derived from its calibration.
//
// A snapshot gives two anchors: one page fault with zeroing, and a plain CPU loop. The other costs are fractions of the
// fault, fitted once to recorded runs of real kernels (README, "Costs"). They decide who gets there first, kswapd or
// the task; they hardly move how many pages are reclaimed.
#pragma once

#include "model/base/units.h"
#include "model/spec/host_spec.h"

namespace oomcast::mm {

struct Costs {
  Nanoseconds fault;            // first touch: fault, allocate, zero, map
  Nanoseconds clear_huge_page;  // zero 512 pages, one after the other
  Nanoseconds copy_page;        // compaction moves one page
  Nanoseconds touch;            // access to a resident page
  Nanoseconds scan_page;        // isolate, check references, put back
  Nanoseconds walk_pte;         // look at one page-table entry
  Nanoseconds promote_page;     // clear its accessed bit, and give the page a younger generation
  Nanoseconds sort_page;        // move a page to the list of its generation
  Nanoseconds unmap_page;       // slot, swap cache, unmap, submit
  Nanoseconds free_page;        // drop a clean page
  Nanoseconds scan_object;      // look at a dentry or an inode, and free it
  Nanoseconds shrink_pass;      // shrink_node with nothing in it
  Nanoseconds group_pass;       // the same in a group's own reclaim, in addition
  Nanoseconds swap_fault;       // CPU part of a swap-in
  Nanoseconds zap_page;         // unmap and free one page at exit or munmap
  Nanoseconds cache_page;       // allocate a page of the cache and send for its data
  Nanoseconds read_page;        // copy one cached page to the program
  Nanoseconds write_page;       // take a write: block, copy, dirty
  Nanoseconds flush_page;       // the flusher's part in writing one page
  Nanoseconds wake_latency;     // from a wake-up to running
  Nanoseconds late_wake_max;    // the same when the CPU is taken

  static Costs from(const host::Calibration& calibration) {
    const Nanoseconds fault = calibration.page_fault;
    Costs costs;
    costs.fault = fault;
    costs.clear_huge_page = fault * 384;
    costs.copy_page = fault;
    costs.touch = Nanoseconds(calibration.page_touch_ps / 1000);
    costs.scan_page = fault / 5;
    costs.walk_pte = fault / 400;
    costs.promote_page = fault / 200;
    costs.sort_page = fault / 20;
    costs.unmap_page = fault;
    costs.free_page = fault / 10;
    costs.scan_object = fault / 5;
    costs.shrink_pass = fault * 2 / 5;
    costs.group_pass = fault * 4;
    costs.swap_fault = fault;
    costs.zap_page = fault / 5;
    costs.cache_page = fault * 3 / 4;
    costs.read_page = fault / 2;
    costs.write_page = fault * 5 / 2;
    costs.flush_page = fault / 4;
    costs.wake_latency = fault * 4;
    costs.late_wake_max = fault * 600;
    return costs;
  }
};

}  // namespace oomcast::mm
