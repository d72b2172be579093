// Runs what happens inside the guest, in its order. The static PID 1 of a ground-truth run.
//
// Boot: mounts, kernel modules of the initramfs, disks by serial number. Then the job (/job, one "key first rest" a
// line, written by scripts/ground_truth): settings, swap, calibration, setup commands, background processes, caches
// dropped, warm commands, snapshot, the run with samples at a steady beat, results to a raw disk, reboot (which ends
// QEMU). It stays at oom_score_adj -1000, in locked memory, on the last CPU.
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "guest.h"

struct job job;
static char results_disk[64];

void die(const char *what) {
  dprintf(1, "guest: failed: %s: %m\n", what);
  sync();
  reboot(RB_AUTOBOOT);
  for (;;) pause();
}

double now_s(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

ssize_t read_file(const char *path, char *buffer, size_t size) {
  const int fd = open(path, O_RDONLY);
  if (fd < 0) return -1;
  size_t used = 0;
  for (ssize_t got; used + 1 < size && (got = read(fd, buffer + used, size - 1 - used)) > 0;) used += (size_t)got;
  buffer[used] = 0;
  close(fd);
  return (ssize_t)used;
}

int write_file(const char *path, const char *text) {
  const int fd = open(path, O_WRONLY);
  if (fd < 0) return -1;
  const ssize_t done = write(fd, text, strlen(text));
  close(fd);
  return done < 0 ? -1 : 0;
}

void pin_to_cpu(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  sched_setaffinity(0, sizeof set, &set);
}

static void mount_or_die(const char *what, const char *where, const char *type, unsigned long flags) {
  mkdir(where, 0755);
  if (mount(what, where, type, flags, 0)) die(where);
}

static void load_modules(void) {
  static char names[4096];
  if (read_file("/modules/order", names, sizeof names) < 0) die("/modules/order");
  for (char *name = strtok(names, "\n"); name; name = strtok(0, "\n")) {
    char path[128];
    snprintf(path, sizeof path, "/modules/%s", name);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || syscall(SYS_finit_module, fd, "", 0)) die(path);
    close(fd);
  }
}

static void read_job(void) {
  static char text[32768];
  if (read_file("/job", text, sizeof text) < 0) die("/job");
  char *rest_of_text;
  for (char *line = strtok_r(text, "\n", &rest_of_text); line; line = strtok_r(0, "\n", &rest_of_text)) {
    if (job.count == kMaxLines) die("too many lines in /job");
    struct line *parsed = &job.lines[job.count++];
    parsed->key = strsep(&line, " ");
    parsed->first = line ? strsep(&line, " ") : "";
    parsed->rest = line ? line : "";
    if (!strcmp(parsed->key, "sampler_cpu")) job.sampler_cpu = atoi(parsed->first);
    if (!strcmp(parsed->key, "interval_ms")) job.interval_ms = atoi(parsed->first);
    if (!strcmp(parsed->key, "write") && strstr(parsed->first, "/module/zswap/")) job.zswap = 1;
    if (!strcmp(parsed->key, "locked_mb")) job.locked_mb = atoi(parsed->first);
    if (!strcmp(parsed->key, "zram_mb")) job.zram_mb = atoi(parsed->first);
    if (!strcmp(parsed->key, "cgroup_version")) job.cgroup_version = atoi(parsed->first);
    if (!strcmp(parsed->key, "limit_s")) job.limit_s = atoi(parsed->first);
    if (!strcmp(parsed->key, "root") && !strcmp(parsed->first, "disk")) strcpy(job.root, "/r");
  }
}

// Disks are told apart by the serial number QEMU was given: results, data, swap0, swap1, ...
static void find_disks(void) {
  DIR *directory = opendir("/sys/block");
  if (!directory) die("/sys/block");
  for (struct dirent *entry; (entry = readdir(directory));) {
    char path[300], serial[64], device[64];
    if (strncmp(entry->d_name, "vd", 2)) continue;
    snprintf(path, sizeof path, "/sys/block/%s/serial", entry->d_name);
    if (read_file(path, serial, sizeof serial) <= 0) continue;
    snprintf(device, sizeof device, "/dev/%.40s", entry->d_name);
    if (!strncmp(serial, "results", 7)) strcpy(results_disk, device);
    if (!strncmp(serial, "data", 4)) strcpy(job.data_disk, device);
    if (!strncmp(serial, "swap", 4)) {
      const int index = atoi(serial + 4);
      strcpy(job.swaps[index], device);
      if (job.swap_count <= index) job.swap_count = index + 1;
    }
  }
  closedir(directory);
  if (!*results_disk) die("no results disk");
}

static void mount_workload(void) {
  char path[64];
  mkdir("/data", 0755);
  if (*job.root) {
    if (!*job.data_disk) die("no data disk");
    mount_or_die(job.data_disk, job.root, "ext4", MS_NOATIME);
    static const char *const kShared[] = {"/proc", "/sys", "/dev"};
    for (int i = 0; i < 3; ++i) {
      snprintf(path, sizeof path, "%s%s", job.root, kShared[i]);
      mount_or_die(kShared[i], path, "none", MS_BIND | MS_REC);
    }
  } else if (*job.data_disk) {
    mount_or_die(job.data_disk, "/data", "ext4", MS_NOATIME);
  }
  snprintf(path, sizeof path, "%s/run", job.root);
  mount_or_die("tmpfs", path, "tmpfs", 0);
  snprintf(path, sizeof path, "%s/run/progress", job.root);
  const int fd = open(path, O_RDWR | O_CREAT, 0666);
  if (fd < 0 || ftruncate(fd, 4096)) die(path);
  progress = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
  if (progress == MAP_FAILED) die("progress page");
  close(fd);
}

static void apply_settings(void) {
  for (int i = 0; i < job.count; ++i) {
    char path[256];
    const struct line *line = &job.lines[i];
    if (!strcmp(line->key, "sysctl"))
      snprintf(path, sizeof path, "/proc/sys/%s", line->first);
    else if (!strcmp(line->key, "write"))
      snprintf(path, sizeof path, "%s", line->first);
    else
      continue;
    if (write_file(path, line->rest)) die(path);
  }
}

// Makes a group within job.cgroup, with what the job's lines of this key say, and goes there. True if there are any.
static int enter_group(const char *key, const char *name) {
  int found = 0;
  for (int i = 0; i < job.count; ++i) {
    char path[160];
    if (strcmp(job.lines[i].key, key)) continue;
    if (!found++) {
      snprintf(path, sizeof path, "%s/cgroup.subtree_control", job.cgroup);
      if (job.cgroup_version == 2 && write_file(path, "+memory")) die(path);
      strcat(job.cgroup, name);
      mkdir(job.cgroup, 0755);
    }
    snprintf(path, sizeof path, "%s/%s", job.cgroup, job.lines[i].first);
    if (write_file(path, job.lines[i].rest)) die(path);
  }
  return found;
}

static void make_cgroup(void) {
  if (job.cgroup_version == 2)
    mount_or_die("cgroup2", "/sys/fs/cgroup", "cgroup2", 0);
  else if (mount("cgroup", "/sys/fs/cgroup", "cgroup", 0, "memory"))
    die("the memory controller of cgroup v1");
  strcpy(job.cgroup, "/sys/fs/cgroup");
  enter_group("cgroup_parent", "/outer");
  if (!enter_group("cgroup", "/app")) *job.cgroup = 0;
}

static void swap_on(void) {
  for (int i = 0; i < job.count; ++i) {
    if (strcmp(job.lines[i].key, "swap")) continue;
    const int priority = atoi(job.lines[i].rest);
    const int flags = priority < 0 ? 0 : SWAP_FLAG_PREFER | (priority & SWAP_FLAG_PRIO_MASK);
    if (swapon(job.swaps[atoi(job.lines[i].first)], flags)) die("swapon");
  }
}

// A compressed swap device in memory, used first; set up as zramctl and mkswap would.
static void make_zram(void) {
  static struct {
    char boot[1024];
    uint32_t version, last_page, bad_pages;
    char rest[4096 - 1024 - 12 - 10], magic[10];
  } header = {.version = 1, .magic = {'S', 'W', 'A', 'P', 'S', 'P', 'A', 'C', 'E', '2'}};
  char size[32];
  if (!job.zram_mb) return;
  snprintf(size, sizeof size, "%dM", job.zram_mb);
  if (write_file("/sys/block/zram0/disksize", size)) die("zram0/disksize");
  header.last_page = (uint32_t)job.zram_mb * 256 - 1;
  const int fd = open("/dev/zram0", O_RDWR);
  if (fd < 0 || pwrite(fd, &header, sizeof header, 0) != sizeof header || fsync(fd)) die("/dev/zram0");
  close(fd);
  if (swapon("/dev/zram0", SWAP_FLAG_PREFER | 100)) die("swapon /dev/zram0");
}

// Memory that no reclaim can touch, as a database or a virtual machine may hold it.
static void lock_memory(size_t size) {
  if (size && mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | MAP_LOCKED, -1, 0) ==
                  MAP_FAILED) {
    die("locked_mb");
  }
}

// Background processes are ready when the free memory has stood still for a second.
static void settle(void) {
  long before = 0;
  for (int still = 0, tries = 0; still < 4 && tries < 240; ++tries) {
    static char text[4096];
    usleep(250000);
    read_file("/proc/meminfo", text, sizeof text);
    const long free_kb = atol(strstr(text, "MemFree:") + 8);
    still = labs(free_kb - before) < 256 ? still + 1 : 0;
    before = free_kb;
  }
}

// A host on which nothing was ever run has no shell and no libc in its page cache: run them once. Then what the case
// wants to be there besides.
static void drop_caches_and_warm_up(void) {
  sync();
  if (write_file("/proc/sys/vm/drop_caches", "1")) die("drop_caches");
  job.lines[job.count++] = (struct line){"setup", "0", "taskset 1 sh -c :"};
  for (int i = 0; i < job.count - 1; ++i) {
    if (!strcmp(job.lines[i].key, "setup")) job.lines[i].key = "setup done";
  }
  start_processes("setup");
  start_processes("warm");
  usleep(1500000);
}

static void beat(double start) {
  struct timespec next;
  clock_gettime(CLOCK_MONOTONIC, &next);
  while (reap_processes(start) > 0) {
    if (now_s() - start > job.limit_s) {
      add_note("limit %d s reached\n", job.limit_s);
      break;
    }
    next.tv_nsec += job.interval_ms * 1000000;
    while (next.tv_nsec >= 1000000000) next.tv_nsec -= 1000000000, next.tv_sec++;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec > next.tv_sec || (now.tv_sec == next.tv_sec && now.tv_nsec > next.tv_nsec)) next = now;  // late
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, 0);
    take_sample(now_s() - start);
  }
  take_sample(now_s() - start);
}

static void keep_dmesg(void) {
  static char text[512 << 10];
  const int got = klogctl(3, text, sizeof text);
  if (got > 0) add_result("dmesg", text, (size_t)got);
}

int main(void) {
  mount_or_die("devtmpfs", "/dev", "devtmpfs", 0);
  const int console = open("/dev/ttyS0", O_RDWR);
  for (int fd = 0; fd < 3; ++fd) dup2(console, fd);
  mount_or_die("proc", "/proc", "proc", 0);
  mount_or_die("sysfs", "/sys", "sysfs", 0);
  write_file("/proc/self/oom_score_adj", "-1000");
  job.interval_ms = 10;
  job.limit_s = 150;
  job.cgroup_version = 2;
  read_job();
  load_modules();
  find_disks();
  mount_workload();
  apply_settings();
  if (job.zswap) mount("debugfs", "/sys/kernel/debug", "debugfs", 0, 0);
  make_cgroup();
  pin_to_cpu(0);
  prepare_results(512 << 10);
  lock_memory((size_t)job.locked_mb << 20);
  calibrate();
  swap_on();
  make_zram();
  pin_to_cpu(job.sampler_cpu);
  prepare_sampler();
  if (mlockall(MCL_CURRENT | MCL_FUTURE)) die("mlockall");
  start_processes("setup");
  start_processes("bg");
  settle();
  drop_caches_and_warm_up();
  take_snapshot();
  dprintf(1, "guest: start\n");
  write_file("/dev/kmsg", "guest: start\n");
  const struct sched_param priority = {.sched_priority = 10};
  sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &priority);
  const double start = now_s();
  take_sample(0);
  start_processes("run");
  start_processes("beside");
  beat(start);
  keep_aftermath();
  keep_dmesg();
  keep_samples();
  end_processes();
  write_results(results_disk);
  dprintf(1, "guest: done\n");
  reboot(RB_AUTOBOOT);
  return 0;
}
