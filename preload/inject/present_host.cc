// Returns the target's figures and files to a guest that looks at its machine. See present_host.h.
//
// OOMCAST_PRESENT=TOTAL:FREE:SWAP_TOTAL:SWAP_FREE:PROCESSES:ONLINE_CPUS:CPU,CPU-CPU,...:DIRECTORY. Sizes are in pages,
// the list has the CPUs on which the program may run. Or cgroup:DIRECTORY: only the limits of the cgroup are the
// target's.
#include "preload/inject/present_host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <atomic>

#include "preload/inject/agent.h"

namespace oomcast::inject {
namespace {

constexpr size_t kPathBytes = 512;

struct MachineFile {
  const char* path;  // whole path; in kCgroupFiles the last part of a path below /sys/fs/cgroup/
  const char* name;  // file name in DIRECTORY
  ring::Sensitive what;
};
constexpr MachineFile kFiles[] = {
    {"/proc/meminfo", "meminfo", ring::Sensitive::kMeminfo},
    {"/sys/devices/system/cpu/online", "cpu_online", ring::Sensitive::kCpuFiles},
    {"/sys/devices/system/cpu/possible", "cpu_online", ring::Sensitive::kCpuFiles},
    {"/sys/devices/system/cpu/present", "cpu_online", ring::Sensitive::kCpuFiles},
};
constexpr const char* kCgroupDirectory = "/sys/fs/cgroup/";
constexpr MachineFile kCgroupFiles[] = {
    {"memory.max", "memory.max", ring::Sensitive::kCgroup},
    {"memory.high", "memory.high", ring::Sensitive::kCgroup},
    {"memory.swap.max", "memory.swap.max", ring::Sensitive::kCgroup},
    {"memory.limit_in_bytes", "memory.limit_in_bytes", ring::Sensitive::kCgroup},
};
constexpr size_t kFileCount = sizeof kFiles / sizeof *kFiles,
                 kCgroupFileCount = sizeof kCgroupFiles / sizeof *kCgroupFiles;

enum State : int { kUnread, kReading, kNotAsked, kCgroupOnly, kReady };
std::atomic<int> state{kUnread};
PresentedMachine machine;
char replacement[kFileCount + kCgroupFileCount][kPathBytes];

bool digits(const char*& at, uint64_t* value) {
  const char* const start = at;
  for (*value = 0; *at >= '0' && *at <= '9'; ++at) *value = *value * 10 + static_cast<uint64_t>(*at - '0');
  return at != start;
}

/// Reads decimal digits and skips the character `end` behind them. False: they are not there.
bool number(const char*& at, char end, uint64_t* value) {
  if (!digits(at, value) || *at != end) return false;
  ++at;
  return true;
}

bool cpu_list(const char*& at, cpu_set_t* set) {
  CPU_ZERO(set);
  for (;;) {
    uint64_t first = 0, last = 0;
    if (!digits(at, &first)) return false;
    last = first;
    if (*at == '-' && !digits(++at, &last)) return false;
    for (; first <= last && first < CPU_SETSIZE; ++first) CPU_SET(first, set);
    const char end = *at;
    if (end == '\0') return false;
    ++at;
    if (end == ':') return true;
    if (end != ',') return false;
  }
}

bool take_directory(const char* at) {
  const size_t length = strlen(at);
  if (at[0] != '/' || length + 32 > kPathBytes) return false;
  for (size_t i = 0; i < kFileCount + kCgroupFileCount; ++i) {
    const char* name = i < kFileCount ? kFiles[i].name : kCgroupFiles[i - kFileCount].name;
    memcpy(replacement[i], at, length);
    replacement[i][length] = '/';
    strcpy(replacement[i] + length + 1, name);
  }
  return true;
}

State parse(const char* at) {
  if (strncmp(at, "cgroup:", 7) == 0) return take_directory(at + 7) ? kCgroupOnly : kNotAsked;
  uint64_t cpus = 0;
  if (!number(at, ':', &machine.total_pages) || !number(at, ':', &machine.free_pages) ||
      !number(at, ':', &machine.swap_total_pages) || !number(at, ':', &machine.swap_free_pages) ||
      !number(at, ':', &machine.processes) || !number(at, ':', &cpus) || !cpu_list(at, &machine.affinity))
    return kNotAsked;
  machine.online_cpus = static_cast<uint32_t>(cpus);
  return take_directory(at) ? kReady : kNotAsked;
}

/// What is presented to the guest. Reads OOMCAST_PRESENT at the first call.
int shown() {
  int now = state.load(std::memory_order_acquire);
  if (__builtin_expect(now == kUnread, 0) && state.compare_exchange_strong(now, kReading)) {
    const char* text = getauxval(AT_SECURE) == 0 ? getenv("OOMCAST_PRESENT") : nullptr;
    now = text != nullptr ? parse(text) : kNotAsked;
    state.store(now, std::memory_order_release);
  }
  return now;
}

}  // namespace

const PresentedMachine* presented_machine() { return shown() == kReady ? &machine : nullptr; }

bool path_was_read(bool succeeded) {
  return succeeded || ((errno == ENOENT || errno == EACCES) && !agent_sealed.load(std::memory_order_relaxed));
}

const char* machine_file(const char* path) {
  if (strncmp(path, "/proc/m", 7) != 0 && strncmp(path, "/sys/", 5) != 0) return nullptr;
  for (size_t i = 0; i < kFileCount; ++i) {
    if (strcmp(path, kFiles[i].path) != 0) continue;
    agent_note_sensitive(kFiles[i].what);
    return shown() >= kReady ? replacement[i] : nullptr;
  }
  if (strncmp(path, kCgroupDirectory, strlen(kCgroupDirectory)) != 0) return nullptr;
  const char* name = strrchr(path, '/') + 1;
  for (size_t i = 0; i < kCgroupFileCount; ++i) {
    if (strcmp(name, kCgroupFiles[i].path) != 0) continue;
    agent_note_sensitive(kCgroupFiles[i].what);
    return shown() >= kCgroupOnly ? replacement[kFileCount + i] : nullptr;
  }
  return nullptr;
}

}  // namespace oomcast::inject
