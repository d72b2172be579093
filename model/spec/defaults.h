// Fills in what a source does not say: every default value, except those that the structs of HostSpec have themselves.
#pragma once

#include <string>
#include <vector>

#include "model/base/result.h"
#include "model/spec/host_spec.h"

namespace oomcast::host {

/// Sets the speeds that are still zero to those of a recent server, and lists each in HostSpec::assumed. `why` is
/// quoted.
void assume_calibration(HostSpec& spec, const char* why);
/// Sets the times that are still zero to those of an SSD, and lists them. `field` is "disk" or "swap[0]".
void assume_ssd(HostSpec& spec, DeviceTimes& times, const std::string& field, const char* why);
/// The same for a swap device. zram takes as long as its compressor lzo-rle.
void assume_swap_times(HostSpec& spec, SwapSpec& swap, const std::string& field, const char* why);
/// If zswap is on, fills in what is unknown and lists it. `stored_known`: stored_percent comes from the source.
void assume_zswap(HostSpec& spec, bool stored_known, const char* why);
/// The kernel's default zpool: zbud, from 6.8 on zsmalloc.
Zpool default_zpool(KernelVersion kernel);
/// Sets the block size to 4 KiB, which ext4 uses on all but small file systems, and lists it.
void assume_block_size(HostSpec& spec, const char* why);
/// 512, 1024, 2048 or 4096 bytes; 0 means that files have no buffer heads.
bool is_block_size(int64_t bytes);
/// Sets what the kernel derives from the machine at boot. REQUIRES: total_ram, nodes and kernel are known.
void default_settings(HostSpec& spec);
LruKind default_lru(KernelVersion kernel);
/// Notes once in HostSpec::assumed how far the rules of this kernel are known. No note for 5.10, 6.1 and 6.12.
void note_kernel_rules(HostSpec& spec);
/// Puts the zone's free pages into the largest blocks that they fill, as after a fresh boot.
void unfragment(ZoneSpec& zone);

/// Memory of one node before it is divided into zones.
struct NodeMemory {
  Pages managed, present, free;
};
/// Divides each node's memory into DMA, DMA32 and Normal by address, as on x86-64: node after node, with a hole from 3
/// to 4 GiB. Contents of the old zones (LRU pages, per-CPU lists, pinned pages) move to the new ones. Does not set
/// marks, reserves and list limits: see setup_zones(). REQUIRES: one entry per node. Error: the contents do not fit.
Result<void> lay_out_zones(HostSpec& spec, const std::vector<NodeMemory>& memory);
/// Sets watermarks, reserves, per-CPU limits, thresholds and free blocks of all zones by the kernel's rules.
void setup_zones(HostSpec& spec);

}  // namespace oomcast::host
