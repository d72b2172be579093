// Copies how the host stands just before the run: the kernel's own files, under their own paths, in the host layout.
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "guest.h"

static char content[64 << 10];

static void keep(const char *path) {
  char name[600];
  const ssize_t got = read_file(path, content, sizeof content);
  if (got < 0) return;
  snprintf(name, sizeof name, "host%s", path);
  add_result(name, content, (size_t)got);
}

static void keep_directory(const char *directory) {
  DIR *open_directory = opendir(directory);
  if (!open_directory) return;
  for (struct dirent *entry; (entry = readdir(open_directory));) {
    char path[512];
    struct stat status;
    snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
    if (!stat(path, &status) && S_ISREG(status.st_mode) && status.st_mode & 0444) keep(path);
  }
  closedir(open_directory);
}

static void keep_process(int pid) {
  static const char *const kFiles[] = {"status", "oom_score", "oom_score_adj"};
  for (int i = 0; i < 3; ++i) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, kFiles[i]);
    keep(path);
  }
}

void take_snapshot(void) {
  static const char *const kFiles[] = {"/proc/zoneinfo",
                                       "/proc/meminfo",
                                       "/proc/vmstat",
                                       "/proc/buddyinfo",
                                       "/proc/pagetypeinfo",
                                       "/proc/swaps",
                                       "/proc/version",
                                       "/proc/cpuinfo",
                                       "/proc/cmdline",
                                       "/proc/pressure/memory",
                                       "/proc/sys/kernel/numa_balancing",
                                       "/proc/sys/fs/dentry-state",
                                       "/proc/sys/fs/inode-nr",
                                       "/proc/slabinfo",
                                       "/sys/kernel/mm/lru_gen/enabled",
                                       "/sys/kernel/mm/lru_gen/min_ttl_ms",
                                       "/sys/kernel/mm/transparent_hugepage/enabled",
                                       "/sys/kernel/mm/transparent_hugepage/defrag",
                                       "/sys/kernel/mm/transparent_hugepage/khugepaged/defrag",
                                       "/sys/kernel/mm/transparent_hugepage/khugepaged/scan_sleep_millisecs",
                                       "/sys/kernel/mm/transparent_hugepage/khugepaged/alloc_sleep_millisecs",
                                       "/sys/kernel/mm/transparent_hugepage/khugepaged/pages_to_scan",
                                       "/sys/kernel/mm/transparent_hugepage/khugepaged/max_ptes_none",
                                       "/sys/kernel/mm/transparent_hugepage/khugepaged/max_ptes_swap",
                                       "/sys/kernel/mm/transparent_hugepage/khugepaged/max_ptes_shared",
                                       "/sys/block/zram0/disksize",
                                       "/sys/block/zram0/mm_stat",
                                       "/sys/block/zram0/comp_algorithm"};
  static const char *const kVm[] = {"min_unmapped_ratio",
                                    "min_slab_ratio",
                                    "vfs_cache_pressure",
                                    "oom_kill_allocating_task",
                                    "overcommit_ratio",
                                    "overcommit_memory",
                                    "overcommit_kbytes",
                                    "dirty_background_bytes",
                                    "dirty_background_ratio",
                                    "dirty_bytes",
                                    "dirty_ratio",
                                    "dirty_expire_centisecs",
                                    "dirty_writeback_centisecs",
                                    "page-cluster",
                                    "numa_stat",
                                    "zone_reclaim_mode",
                                    "watermark_scale_factor",
                                    "watermark_boost_factor",
                                    "max_map_count",
                                    "panic_on_oom",
                                    "percpu_pagelist_high_fraction",
                                    "lowmem_reserve_ratio",
                                    "min_free_kbytes",
                                    "swappiness",
                                    "laptop_mode",
                                    "admin_reserve_kbytes",
                                    "user_reserve_kbytes",
                                    "stat_interval"};
  static const char *const kNode[] = {"meminfo", "vmstat", "numastat", "distance", "cpulist"};
  char path[300];
  for (size_t i = 0; i < sizeof kFiles / sizeof *kFiles; ++i) keep(kFiles[i]);
  for (size_t i = 0; i < sizeof kVm / sizeof *kVm; ++i) {
    snprintf(path, sizeof path, "/proc/sys/vm/%s", kVm[i]);
    keep(path);
  }
  for (int node = 0; node < 16; ++node) {
    for (size_t i = 0; i < sizeof kNode / sizeof *kNode; ++i) {
      snprintf(path, sizeof path, "/sys/devices/system/node/node%d/%s", node, kNode[i]);
      keep(path);
    }
  }
  int pids[kMaxProcesses];
  const int count = background_pids(pids, kMaxProcesses);
  keep_process(1);
  for (int i = 0; i < count; ++i) keep_process(pids[i]);
  keep_directory("/sys/kernel/mm/swap");
  if (job.zswap) {
    keep_directory("/sys/module/zswap/parameters");
    keep_directory("/sys/kernel/debug/zswap");
  }
}

static void keep_zswap_counts(void) {
  static const char *const kFiles[] = {"written_back_pages", "pool_limit_hit", "reject_alloc_fail",
                                       "reject_compress_poor", "reject_reclaim_fail"};
  for (size_t i = 0; i < sizeof kFiles / sizeof *kFiles; ++i) {
    char path[128], name[160];
    snprintf(path, sizeof path, "/sys/kernel/debug/zswap/%s", kFiles[i]);
    snprintf(name, sizeof name, "after%s", path);
    const ssize_t got = read_file(path, content, sizeof content);
    if (got >= 0) add_result(name, content, (size_t)got);
  }
}

static void keep_cgroup(const char *directory, const char *kept_as) {
  static const char *const kFiles[] = {"current",
                                       "events",
                                       "high",
                                       "max",
                                       "peak",
                                       "stat",
                                       "swap.max",
                                       "swap.current",
                                       "swap.events",
                                       "pressure",
                                       "zswap.current",
                                       "zswap.max",
                                       "zswap.writeback",
                                       "limit_in_bytes",
                                       "usage_in_bytes",
                                       "max_usage_in_bytes",
                                       "failcnt",
                                       "memsw.limit_in_bytes",
                                       "memsw.usage_in_bytes",
                                       "memsw.max_usage_in_bytes",
                                       "memsw.failcnt",
                                       "soft_limit_in_bytes",
                                       "swappiness",
                                       "oom_control"};
  for (size_t i = 0; i < sizeof kFiles / sizeof *kFiles; ++i) {
    char path[128], name[128];
    snprintf(path, sizeof path, "%s/memory.%s", directory, kFiles[i]);
    snprintf(name, sizeof name, "after/cg/%s/memory.%s", kept_as, kFiles[i]);
    const ssize_t got = read_file(path, content, sizeof content);
    if (got >= 0) add_result(name, content, (size_t)got);
  }
}

// What is left once the run has ended: the host's pressure, where its pages came from (after/.../numastat), its cgroup
// (after/cg/app) and the one around that (after/cg/outer).
void keep_aftermath(void) {
  const ssize_t pressure = read_file("/proc/pressure/memory", content, sizeof content);
  if (pressure >= 0) add_result("after/proc/pressure/memory", content, (size_t)pressure);
  if (job.zswap) keep_zswap_counts();
  if (*job.cgroup) keep_cgroup(job.cgroup, "app");
  keep_cgroup("/sys/fs/cgroup/outer", "outer");
  for (int node = 0; node < 16; ++node) {
    char path[128], name[160];
    snprintf(path, sizeof path, "/sys/devices/system/node/node%d/numastat", node);
    snprintf(name, sizeof name, "after%s", path);
    const ssize_t got = read_file(path, content, sizeof content);
    if (got >= 0) add_result(name, content, (size_t)got);
  }
}
