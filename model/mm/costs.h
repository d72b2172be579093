// CPU time that the kernel's steps take on the target, derived from the calibration of its host description.
//
// The calibration has two anchors: a page fault with zeroing, and a plain CPU loop. The other costs are fractions of
// the fault, fitted once to recorded runs of real kernels (model/README.md, "Costs"). They decide whether kswapd or the
// task comes first, and hardly change how many pages are reclaimed.
#pragma once

#include "model/base/units.h"
#include "model/spec/host_spec.h"

namespace oomcast::mm {

struct Costs {
  Nanoseconds fault;            // first touch: fault, allocate, zero, map
  Nanoseconds clear_huge_page;  // zero 512 pages
  Nanoseconds copy_page;        // compaction moves one page
  Nanoseconds touch;            // use of a resident page
  Nanoseconds scan_page;        // isolate, check references, put back
  Nanoseconds walk_pte;         // read a page-table entry
  Nanoseconds promote_page;     // clear the accessed bit and update the page's generation
  Nanoseconds sort_page;        // move a page to the list of its generation
  Nanoseconds unmap_page;       // allocate a slot, add to the swap cache, unmap, submit
  Nanoseconds free_page;        // drop a clean page
  Nanoseconds scan_object;      // scan a dentry or an inode, and free it
  Nanoseconds shrink_pass;      // one shrink_node(), whatever it finds
  Nanoseconds group_pass;       // in addition, one shrink_node() in a cgroup's own reclaim
  Nanoseconds swap_fault;       // CPU part of a swap-in
  Nanoseconds zap_page;         // unmap and free one page at exit or munmap
  Nanoseconds cache_page;       // allocate a page-cache page and submit its read
  Nanoseconds read_page;        // copy one cached page to the program
  Nanoseconds write_page;       // accept a write: allocate blocks, copy, make dirty
  Nanoseconds flush_page;       // the flusher's work for one page
  Nanoseconds wake_latency;     // from a wake-up to running
  Nanoseconds late_wake_max;    // the longest time from a wake-up to running when the CPU is in use

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
