// Samples the kernel's counters every few milliseconds. Rows of /proc/vmstat in locked memory.
//
// One row costs about 0.3 ms under TCG. Counters are 32 bit: a run does not last long enough for more. No allocation
// is made here; the kernel itself allocates a few KiB of slab for each read of /proc/vmstat and frees them again.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "guest.h"

static const char *const kNames[] = {
    "nr_free_pages",
    "nr_inactive_anon",
    "nr_active_anon",
    "nr_inactive_file",
    "nr_active_file",
    "nr_dirty",
    "nr_writeback",
    "nr_page_table_pages",
    "nr_slab_reclaimable",
    "pswpin",
    "pswpout",
    "pgfault",
    "pgmajfault",
    "pgscan_kswapd",
    "pgscan_direct",
    "pgsteal_kswapd",
    "pgsteal_direct",
    "pgscan_anon",
    "pgscan_file",
    "pgsteal_anon",
    "pgsteal_file",
    "allocstall_dma32",
    "allocstall_normal",
    "allocstall_movable",
    "pageoutrun",
    "kswapd_low_wmark_hit_quickly",
    "kswapd_high_wmark_hit_quickly",
    "oom_kill",
    "workingset_refault_anon",
    "workingset_refault_file",
    "workingset_activate_anon",
    "workingset_activate_file",
    "pgactivate",
    "pgdeactivate",
    "pgrotated",
    "numa_hit",
    "numa_miss",
    "numa_foreign",
    "zone_reclaim_success",
    "zone_reclaim_failed",
    "pgsteal_khugepaged",
    "thp_fault_alloc",
    "thp_fault_fallback",
    "thp_collapse_alloc",
    "thp_collapse_alloc_failed",
    "thp_split_page",
    "thp_split_pmd",
    "thp_deferred_split_page",
    "nr_anon_transparent_hugepages",
    "slabs_scanned",
    "nr_anon_pages",
    "nr_shmem",
    "nr_mapped",
    "nr_vmscan_write",
    "pgrefill",
    "nr_swapcached",
    "numa_interleave",
    "pgpgin",
    "pgpgout",
    "pgmigrate_success",
    "pgscan_khugepaged",
    "zswpin",
    "zswpout",
    "zswpwb",
};
// Of /sys/kernel/debug/zswap, of cases with zswap only: bytes of its pool, pages in it, pages that left it for the
// disk.
static const char *const kZswapNames[] = {"pool_total_size", "stored_pages", "written_back_pages"};
enum {
  kCounters = sizeof kNames / sizeof *kNames,
  kZswap = sizeof kZswapNames / sizeof *kZswapNames,
  kFixed = 4,
  kNodes = 8,
  kWidth = kFixed + kNodes + kCounters + kZswap
};

static uint32_t *rows;
static size_t row_count, row_limit;
static int vmstat_fd = -1, node_fds[kNodes], node_count;
static int16_t column_of_line[512];  // -1: not wanted
static uint8_t present[kCounters];
volatile uint64_t *progress;

// Which line of /proc/vmstat is which column: the order of lines never changes while a kernel runs.
static void learn_lines(char *text) {
  int line = 0;
  for (char *at = text; *at && line < 512; ++line) {
    char *end = strchr(at, '\n');
    if (!end) break;
    column_of_line[line] = -1;
    for (int i = 0; i < kCounters; ++i) {
      const size_t length = strlen(kNames[i]);
      if (!strncmp(at, kNames[i], length) && at[length] == ' ') column_of_line[line] = (int16_t)i, present[i] = 1;
    }
    at = end + 1;
  }
  for (; line < 512; ++line) column_of_line[line] = -1;
}

void prepare_sampler(void) {
  static char text[16384];
  vmstat_fd = open("/proc/vmstat", O_RDONLY);
  const ssize_t got = pread(vmstat_fd, text, sizeof text - 1, 0);
  if (got <= 0) die("cannot read /proc/vmstat");
  text[got] = 0;
  learn_lines(text);
  for (int node = 0; node < kNodes; ++node) {
    char path[64];
    snprintf(path, sizeof path, "/sys/devices/system/node/node%d/vmstat", node);
    if ((node_fds[node] = open(path, O_RDONLY)) >= 0) node_count = node + 1;
  }
  row_limit = (size_t)(job.limit_s + 5) * 1000 / (size_t)job.interval_ms + 16;
  const size_t size = row_limit * kWidth * sizeof *rows;
  rows = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | MAP_LOCKED, -1, 0);
  if (rows == MAP_FAILED) die("no memory for the samples");
  memset(rows, 0, size);
}

// debugfs gives such a file from its beginning only once an open.
static void sample_zswap(uint32_t *row) {
  for (int i = 0; i < kZswap && job.zswap; ++i) {
    char path[64], text[32];
    snprintf(path, sizeof path, "/sys/kernel/debug/zswap/%s", kZswapNames[i]);
    if (read_file(path, text, sizeof text) > 0) row[i] = (uint32_t)strtoull(text, 0, 10);
  }
}

void take_sample(double t) {
  static char text[16384];
  if (row_count == row_limit) return;
  uint32_t *row = rows + row_count++ * kWidth;
  row[0] = (uint32_t)(t * 1e6 + 0.5);
  if (progress) row[1] = (uint32_t)progress[0], row[2] = (uint32_t)(progress[1] >> 12);
  const ssize_t got = pread(vmstat_fd, text, sizeof text - 1, 0);
  struct sysinfo info;
  if (!sysinfo(&info)) row[3] = (uint32_t)((info.totalswap - info.freeswap) * info.mem_unit >> 12);
  sample_zswap(row + kFixed + kNodes + kCounters);
  if (got <= 0) return;
  text[got] = 0;
  int line = 0;
  for (char *at = text; *at; ++line) {
    char *end = strchr(at, '\n');
    if (!end) break;
    if (line < 512 && column_of_line[line] >= 0) {
      row[kFixed + kNodes + column_of_line[line]] = (uint32_t)strtoull(strchr(at, ' ') + 1, 0, 10);
    }
    at = end + 1;
  }
  for (int node = 0; node < node_count && node_count > 1; ++node) {  // its first line is nr_free_pages
    const ssize_t size = pread(node_fds[node], text, 40, 0);
    if (size <= 0) continue;
    text[size] = 0;
    row[kFixed + node] = (uint32_t)strtoull(strchr(text, ' ') + 1, 0, 10);
  }
}

void keep_samples(void) {
  static char header[4096];
  size_t length = (size_t)snprintf(header, sizeof header, "t_us\tstep\tpages\tswap_used");
  for (int node = 0; node < kNodes; ++node) {
    const int wanted = node_count > 1 && node < node_count;
    length += (size_t)snprintf(header + length, sizeof header - length, "\t%sfree_node%d", wanted ? "" : "-", node);
  }
  for (int i = 0; i < kCounters; ++i) {
    length += (size_t)snprintf(header + length, sizeof header - length, "\t%s%s", present[i] ? "" : "-", kNames[i]);
  }
  for (int i = 0; i < kZswap; ++i) {
    length +=
        (size_t)snprintf(header + length, sizeof header - length, "\t%szswap_%s", job.zswap ? "" : "-", kZswapNames[i]);
  }
  add_result("columns", header, length);
  add_result("samples", rows, row_count * kWidth * sizeof *rows);
}
