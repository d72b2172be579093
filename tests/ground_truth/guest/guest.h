// Declares what the parts of the guest's PID 1 share: the job it was given, the results it keeps, and small helpers.
//
// init.c (boot, job, order of things), processes.c (the case's programs), calibrate.c (how fast this machine is),
// snapshot.c (the host before the run), sampler.c (counters during it), results.c (locked memory, written at the end).
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { kMaxLines = 64, kMaxProcesses = 64, kMaxColumns = 64, kMaxSwaps = 8 };

struct line {
  char *key, *first, *rest;  // "sysctl", "vm/swappiness", "60"
};

struct job {
  struct line lines[kMaxLines];
  int count;
  int sampler_cpu;
  int interval_ms;
  int limit_s;
  int locked_mb;
  int zram_mb;
  int cgroup_version;  // of the memory controller
  int zswap;           // the case sets parameters of zswap
  char root[32];       // where the workload's file system is mounted, "" for the initramfs itself
  char cgroup[64];     // of the run, "" if it has none of its own
  char data_disk[64];  // device of the ext4 disk, "" if none
  char swaps[kMaxSwaps][64];
  int swap_priority[kMaxSwaps];
  int swap_count;
};
extern struct job job;

// helpers (init.c)
void die(const char *what);
ssize_t read_file(const char *path, char *buffer, size_t size);  // -1 if it cannot be read; always terminated
int write_file(const char *path, const char *text);              // 0 or -1
double now_s(void);
void pin_to_cpu(int cpu);

// processes.c
void start_processes(const char *kind);  // "setup" and "warm" (one after the other, waited for), "bg", "run", "beside"
int reap_processes(double since);        // notes exits; returns how many of kind "run" are still there
void end_processes(void);
int background_pids(int *pids, int size);

// calibrate.c
void calibrate(void);  // adds host/calibration.json to the results

// snapshot.c
void take_snapshot(void);
void keep_aftermath(void);

// sampler.c
void prepare_sampler(void);
void take_sample(double t);
void keep_samples(void);
extern volatile uint64_t *progress;  // memload's page: step, bytes

// results.c
void prepare_results(size_t size);
void add_result(const char *name, const void *data, size_t size);
void add_note(const char *format, ...) __attribute__((format(printf, 1, 2)));  // a line of the file "exits"
void write_results(const char *device);
