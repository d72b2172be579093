// Fills in what a source does not say. Every default but those of the structs themselves.
#pragma once

#include <string>
#include <vector>

#include "model/base/result.h"
#include "model/spec/host_spec.h"

namespace oomcast::host {

/// Fills the speeds that are still zero and lists each as assumed.
void assume_calibration(HostSpec& spec, const char* why);
/// Fills the times that are still zero with those of an SSD; `field` is "disk" or "swap[0]".
void assume_ssd(HostSpec& spec, DeviceTimes& times, const std::string& field, const char* why);
/// The same for a swap device; zram takes as long as its compressor, lzo-rle.
void assume_swap_times(HostSpec& spec, SwapSpec& swap, const std::string& field, const char* why);
/// Of a host with zswap: fills what is unknown, and lists it. `stored_known`: stored_percent is of the source.
void assume_zswap(HostSpec& spec, bool stored_known, const char* why);
/// What a kernel of this version keeps zswap's pages in, where nobody chose: zbud, then zsmalloc.
Zpool default_zpool(KernelVersion kernel);
/// Blocks of a page, what ext4 uses on all but small file systems.
void assume_block_size(HostSpec& spec, const char* why);
bool is_block_size(int64_t bytes);
/// Settings that the kernel derives from the machine at boot. REQUIRES: total_ram and nodes are known.
void default_settings(HostSpec& spec);
LruKind default_lru(KernelVersion kernel);
/// Says so once when the kernel is neither of the two that are modelled.
void note_kernel_rules(HostSpec& spec);
/// Free pages in the largest blocks that they fill, as after a fresh boot.
void unfragment(ZoneSpec& zone);

/// Memory of one node before it is cut into zones.
struct NodeMemory {
  Pages managed, present, free;
};
/// Cuts each node's memory into DMA, DMA32 and Normal by address, node after node with a hole from 3 to 4 GiB, as on
/// x86-64. What the node's present zones hold (LRU pages, per-CPU lists, pinned pages) moves into the new ones; marks,
/// reserves and list limits are left to setup_*(). REQUIRES: one entry per node.
Result<void> lay_out_zones(HostSpec& spec, const std::vector<NodeMemory>& memory);
/// Watermarks, reserves, per-CPU limits, thresholds and free blocks of all zones, by the kernel's rules.
void setup_zones(HostSpec& spec);

}  // namespace oomcast::host
