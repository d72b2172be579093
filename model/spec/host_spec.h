// Describes the target machine as it stands when the program starts. Plain data, filled by the readers.
//
// Everything the model knows of a host is here. A field that its source did not give keeps the documented default and
// its name is listed in `assumed`. Counts are pages unless the name says otherwise.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "model/base/units.h"
#include "model/spec/tmpfs_spec.h"
#include "model/spec/zswap_spec.h"

namespace oomcast::host {

inline constexpr int kHugeOrder = 9;                             // HPAGE_PMD_ORDER, pageblock_order
inline constexpr int64_t kHugePages = int64_t{1} << kHugeOrder;  // HPAGE_PMD_NR

/// Kernel order (enum zone_type on x86-64); also the index into lowmem_reserve.
enum class ZoneKind : uint8_t { kDma = 0, kDma32 = 1, kNormal = 2, kMovable = 3, kDevice = 4 };
inline constexpr int kZoneKinds = 5;
const char* zone_name(ZoneKind kind);  // "DMA", "DMA32", "Normal", "Movable", "Device"

struct Watermarks {
  Pages min, low, high;
  friend bool operator==(const Watermarks&, const Watermarks&) = default;
};

/// Sizes of the four reclaimable lists and of the unevictable one.
struct LruSizes {
  Pages inactive_anon, active_anon, inactive_file, active_file, unevictable;
  Pages sum() const { return inactive_anon + active_anon + inactive_file + active_file + unevictable; }
};

struct PcpSpec {
  Pages count, high, batch;
};

struct ZoneSpec {
  ZoneKind kind = ZoneKind::kNormal;
  Pages present, managed, free, boost;
  Watermarks watermarks;                           // without the boost, which the kernel prints with them
  std::array<Pages, kZoneKinds> lowmem_reserve{};  // zoneinfo "protection:"
  LruSizes lru;                                    // nr_zone_*
  Pages mlocked, write_pending;
  Pages free_cma;            // of the free pages, those that only movable memory may use
  std::vector<PcpSpec> pcp;  // by position in HostSpec::cpus order (all online CPUs)
  Pages stat_threshold;
  std::array<int64_t, 11> free_blocks{};  // buddyinfo: free blocks of order 0..10
  Pages free_unmovable{-1},
      free_reclaimable{-1};  // pagetypeinfo: free in such blocks, in pieces smaller than a block; -1: not known
  Pages highatomic_reserved,
      highatomic_free;  // pagetypeinfo: pages of HighAtomic blocks, and those of them that are free

  Pages on_pcp() const {
    Pages sum;
    for (const PcpSpec& each : pcp) sum += each.count;
    return sum;
  }
  /// What is on no list and may be free.
  Pages room() const { return managed - lru.sum() - on_pcp(); }
  /// Neither free nor on a list: the kernel's own.
  Pages pinned() const { return room() - free; }
};

struct NodeSpec {
  NodeId id;
  std::vector<int> cpus;        // online CPUs of this node, ascending
  std::vector<int> distance;    // to each node, in the order of HostSpec::nodes; 10 = local
  std::vector<ZoneSpec> zones;  // populated zones, ascending kind
  LruSizes lru;                 // per-node stats
  Pages slab_reclaimable, slab_unreclaimable, anon_pages, mapped, file_pages, shmem, dirty, writeback, page_tables,
      swapcached;
  int64_t kernel_stack_kb = 0;
  bool unreclaimable = false;  // node_unreclaimable: kswapd has given up

  Pages managed() const {
    Pages sum;
    for (const ZoneSpec& zone : zones) sum += zone.managed;
    return sum;
  }
};

/// Service times of one request at a time (O_DIRECT): 4 KiB random, 128 KiB sequential.
struct DeviceTimes {
  Nanoseconds read_4k, write_4k, read_128k, write_128k;
};

struct SwapSpec {
  std::string name;
  Bytes size, used;
  int priority = -2;
  bool rotational = true;
  int zram_percent = 0;  // memory that a page stored in zram takes, of a page; 0: not zram
  DeviceTimes times;
};

struct ProcessSpec {
  int pid = 0;
  int parent_pid = 0;
  int uid = 0;
  std::string comm;
  Pages rss_anon, rss_file, rss_shmem, swap_entries, total_vm;
  Bytes page_tables;
  int oom_score_adj = 0;
};

enum class ThpMode : uint8_t { kNever, kMadvise, kAlways };
enum class ThpDefrag : uint8_t { kNever, kMadvise, kDefer, kDeferMadvise, kAlways };
enum class LruKind : uint8_t { kClassic, kMultiGen };

/// /proc/sys/vm and friends, under their own names.
struct VmTunables {
  int64_t min_free_kbytes = -1;  // -1: not set by hand, the kernel's own formula decides
  int watermark_scale_factor = 10;
  int watermark_boost_factor = 15000;
  std::array<int, 4> lowmem_reserve_ratio{256, 256, 32, 0};
  int percpu_pagelist_high_fraction = 0;
  int swappiness = 60;
  int page_cluster = 3;
  int zone_reclaim_mode = 0;
  int min_unmapped_ratio = 1;
  int min_slab_ratio = 5;
  int vfs_cache_pressure = 100;
  int dirty_ratio = 20;
  int dirty_background_ratio = 10;
  int64_t dirty_bytes = 0;
  int64_t dirty_background_bytes = 0;
  int dirty_expire_centisecs = 3000;
  int dirty_writeback_centisecs = 500;
  int overcommit_memory = 0;
  int overcommit_ratio = 50;
  int64_t overcommit_kbytes = 0;
  int64_t admin_reserve_kbytes = 8192;
  int64_t user_reserve_kbytes = 131072;
  int max_map_count = 65530;
  int panic_on_oom = 0;
  int oom_kill_allocating_task = 0;
  int numa_balancing = 0;
  ThpMode thp_enabled = ThpMode::kAlways;
  ThpDefrag thp_defrag = ThpDefrag::kMadvise;
  int64_t lru_gen_min_ttl_ms = 0;
  // sys/kernel/mm/transparent_hugepage/khugepaged
  int64_t khugepaged_scan_sleep_ms = 10000, khugepaged_alloc_sleep_ms = 60000, khugepaged_pages_to_scan = 4096;
  int khugepaged_max_ptes_none = 511, khugepaged_max_ptes_swap = 64, khugepaged_max_ptes_shared = 256;
  int khugepaged_defrag = 1;
};

/// How fast the target is. Zero means unknown: the reader then fills in a documented default and lists it as assumed,
/// but for cpu_loop_20m, where 0 stays and stands for CPUs as fast as the recording machine's.
struct Calibration {
  Nanoseconds page_fault;     // fault and zero one page
  int64_t page_touch_ps = 0;  // touch one resident page, picoseconds
  Nanoseconds cpu_loop_20m;   // 20 million dependent `a = a*3+1` on a volatile
};

/// The memory controller's files of one cgroup (`--cgroup memory.max=...`), in bytes; -1 is "max".
struct CgroupSpec {
  bool present = false;
  bool v1 = false;  // of cgroup v1: memory_max is memory.limit_in_bytes
  std::string path = "/app";
  int64_t memory_max = -1, memory_high = -1, memory_low = 0, memory_min = 0, memory_swap_max = -1,
          memory_swap_high = -1, memory_zswap_max = -1;
  bool memory_zswap_writeback = true;  // {6.8}
  bool memory_oom_group = false;
  // Of v1 alone.
  int64_t memory_memsw_max = -1;         // memory.memsw.limit_in_bytes: memory and swap together
  int64_t memory_soft_limit = -1;        // memory.soft_limit_in_bytes
  int memory_swappiness = -1;            // -1: as vm.swappiness
  bool memory_oom_kill_disable = false;  // memory.oom_control: whoever meets the limit waits, nobody is killed
  // Of a group that stood on the host before: what it uses, and who is in it.
  int64_t memory_current = 0, anon = 0, file = 0;
  int64_t shmem = 0;  // a part of `file`, as in memory.stat; its pages are swap-backed and on the anonymous lists
  std::vector<int> procs;
};

/// Dentries and inodes in memory (/proc/sys/fs/dentry-state, inode-nr), of all file systems.
struct VfsCacheSpec {
  int64_t dentries_unused = 0, dentries_negative = 0;  // the latter are among the former
  int64_t inodes = 0, inodes_unused = 0;               // an inode whose dentry is cached counts as used
  int dentry_bytes = 195;                              // of slab memory: 21 in a page,
  int inode_bytes = 1213;                              // 27 of ext4's in a slab of eight pages
};

/// A file that is in the page cache when the run begins. Its pages are among those of the file lists.
struct CachedFileSpec {
  std::string file;        // its path, to tell it by
  int64_t file_id = 0;     // how events name it; 0: no such file on the recording machine
  Bytes bytes, dirty;      // cached, from its beginning; of these, dirty
  int active_percent = 0;  // of the pages: on the active list
};

/// Another process that reads or writes a file all the while.
struct BackgroundSpec {
  std::string comm, file;
  int pid = 0;  // of ProcessSpec; 0: none of them
  int64_t file_id = 0;
  Bytes file_size;                              // begun again from the start when it is through
  int64_t read_bytes_s = 0, write_bytes_s = 0;  // one of the two
  bool sequential = true;                       // else single pages anywhere in the file
};

struct KernelVersion {
  int major = 6, minor = 1;
  friend auto operator<=>(const KernelVersion&, const KernelVersion&) = default;
};

/// The kubelet of a Kubernetes node, which ends pods before the kernel has to.
enum class MemoryQos : uint8_t { kOff, kMin, kTiered };
struct KubeletSpec {
  Bytes eviction_hard;  // memory.available below which it evicts; 0: it evicts nobody
  // What the feature MemoryQoS makes of requests: memory.min, or of pods that are not Guaranteed memory.low.
  MemoryQos memory_qos = MemoryQos::kOff;
};

struct HostSpec {
  std::string name;            // directory base name, preset name, file name, or "this"
  std::string kernel_release;  // "6.1.0-56-cloud-amd64"
  KernelVersion kernel;
  LruKind lru = LruKind::kClassic;
  bool lru_gen_mm_walk = true;  // lru_gen/enabled has 0x2: aging walks page tables
  std::vector<int> cpus;        // all online CPUs, ascending
  std::vector<NodeSpec> nodes;  // ascending id, nodes with memory
  std::vector<SwapSpec> swaps;
  ZswapSpec zswap;
  DeviceTimes disk;
  int64_t file_block_bytes = 4096;  // of the file systems; 0: no buffer heads hang on their pages (XFS, btrfs)
  VmTunables vm;
  Calibration calibration;
  std::vector<ProcessSpec> processes;  // ascending pid: order of the task list
  VfsCacheSpec vfs_cache;
  std::vector<CachedFileSpec> page_cache;  // oldest first
  std::vector<BackgroundSpec> background;
  Pages committed_as;
  Pages hugetlb;                    // of the pools of huge pages, of all sizes
  Pages shared_anon;                // anonymous pages that processes[] counts more than once, as fork shares them
  Pages buffers;                    // meminfo Buffers: cached pages of block devices, part of the file lists
  Pages total_ram;                  // totalram_pages: MemTotal
  int cgroup_version = 2;           // of the memory controller, for groups that do not say
  CgroupSpec cgroup;                // the program's
  std::vector<CgroupSpec> cgroups;  // of the host; by path, so that parents come first
  std::vector<TmpfsSpec> tmpfs;     // no two at one place; empty: what they hold is not known, and no limit applies
  KubeletSpec kubelet;
  std::vector<std::string> assumed;  // "calibration.page_fault_ns: 800 (not in the snapshot)"

  Pages total_swap() const {
    Bytes sum;
    for (const SwapSpec& swap : swaps) sum += swap.size;
    return to_pages(sum);
  }
};

/// Does the host run from memory, its root file system never mounted from a disk? Then it has hardly any page cache,
/// and files, program text among them, never leave memory.
bool root_in_memory(const HostSpec& spec);

}  // namespace oomcast::host
