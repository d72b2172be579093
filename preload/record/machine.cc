// Describes this machine for `--host this`: copies of kernel files, and measured times of a page fault and of a loop.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <map>
#include <system_error>
#include <vector>

#include "model/base/units.h"
#include "preload/record/kernel/clocks.h"
#include "preload/record/kernel/proc_maps.h"
#include "preload/record/kernel/unique_fd.h"
#include "preload/record/recorder.h"
#include "preload/ring/file_notes.h"

namespace oomcast::record {
namespace {

namespace fs = std::filesystem;

bool write_file(const fs::path& path, const std::string& text) {
  std::error_code ignored;
  fs::create_directories(path.parent_path(), ignored);
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!fd) return false;
  for (size_t at = 0; at < text.size();) {
    const ssize_t wrote = ::write(fd.get(), text.data() + at, text.size() - at);
    if (wrote <= 0) return false;
    at += static_cast<size_t>(wrote);
  }
  return true;
}

/// Contents of files, by path without the leading slash.
using Files = std::map<std::string, std::string>;

/// Adds one kernel file; a file that is missing, unreadable or empty is left out.
void take(Files& files, const std::string& path) {
  if (std::string text = read_whole_path(path); !text.empty()) files[path.substr(1)] = std::move(text);
}

struct FaultTimes {
  double fault_ns = 0, touch_ns = 0;
};
/// Times per page of the first and the second touch, as a mean over the fastest of 4 pieces: an interruption spoils one
/// piece only. 1 MiB in all: each start of a program waits for this, and 1 MiB does not change any program's peak.
FaultTimes measure_faults() {
  constexpr size_t kPieces = 4, kPagesEach = 64, kPage = static_cast<size_t>(kPageBytes);
  const size_t bytes = kPieces * kPagesEach * kPage;
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return {};
  ::madvise(memory, bytes, MADV_NOHUGEPAGE);
  auto* const at = static_cast<volatile char*>(memory);
  const auto fastest_pass = [&] {
    double best_ns = 1e12;
    for (size_t piece = 0; piece < kPieces; ++piece) {
      const uint64_t before = monotonic_ns();
      for (size_t page = piece * kPagesEach; page < (piece + 1) * kPagesEach; ++page)
        at[page * kPage] = static_cast<char>(page);
      best_ns = std::min(best_ns, static_cast<double>(monotonic_ns() - before) / kPagesEach);
    }
    return best_ns;
  };
  const double first_ns = fastest_pass(), second_ns = fastest_pass();
  ::munmap(memory, bytes);
  return {std::max(first_ns - second_ns, 0.0), second_ns};
}

}  // namespace

/// The fastest of 8 short tries, scaled up: it was not interrupted, and each start of a program waits for all of them.
static int64_t time_cpu_loop() {
  constexpr uint64_t kSteps = 50'000;
  uint64_t best = ~uint64_t{0};
  for (int attempt = 0; attempt < 8; ++attempt) {
    volatile uint64_t a = 1;
    const uint64_t before = monotonic_ns();
    for (uint64_t i = 0; i < kSteps; ++i) a = a * 3 + 1;
    best = std::min(best, monotonic_ns() - before);
  }
  return static_cast<int64_t>(best * (20'000'000 / kSteps));
}

int64_t measure_cpu_loop_20m_ns() {
  static const int64_t loop_ns = time_cpu_loop();
  return loop_ns;
}

uint64_t file_number(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) ? ring::file_id(status.st_dev, status.st_ino)
                                                                       : 0;
}

std::map<std::string, std::string> files_of_this_machine() {
  Files files;
  for (const char* path : {"/proc/version", "/sys/fs/cgroup/memory/memory.limit_in_bytes", "/proc/zoneinfo",
                           "/proc/meminfo", "/proc/vmstat", "/proc/buddyinfo", "/proc/swaps", "/proc/cpuinfo",
                           "/proc/cmdline", "/proc/mounts", "/proc/pressure/memory", "/proc/sys/kernel/numa_balancing",
                           "/proc/sys/fs/dentry-state", "/proc/sys/fs/inode-nr", "/proc/slabinfo"})
    take(files, path);
  const auto each = [&](const char* path, auto&& visit) {
    std::error_code missing;
    for (fs::directory_iterator at(path, missing), end; !missing && at != end; at.increment(missing)) visit(at->path());
  };
  each("/proc/sys/vm", [&](const fs::path& path) {
    // These can only be written, or reading them does something.
    const std::string name = path.filename();
    if (name != "compact_memory" && name != "drop_caches" && name != "stat_refresh") take(files, path.string());
  });
  each("/sys/devices/system/node", [&](const fs::path& path) {
    if (!path.filename().string().starts_with("node")) return;
    for (const char* name : {"/meminfo", "/distance", "/cpulist", "/numastat"}) take(files, path.string() + name);
  });
  for (const char* name : {"online", "possible", "has_cpu", "has_memory"})
    take(files, std::string("/sys/devices/system/node/") + name);
  each("/sys/block", [&](const fs::path& path) {
    for (const char* name : {"/queue/rotational", "/mm_stat"}) take(files, path.string() + name);
  });
  for (const char* folder :
       {"/sys/kernel/mm/lru_gen", "/sys/kernel/mm/transparent_hugepage",
        "/sys/kernel/mm/transparent_hugepage/khugepaged", "/sys/module/zswap/parameters", "/sys/kernel/debug/zswap"})
    each(folder, [&](const fs::path& path) {
      if (fs::is_regular_file(path)) take(files, path.string());
    });
  each("/proc", [&](const fs::path& path) {
    const std::string name = path.filename();
    if (name.find_first_not_of("0123456789") != std::string::npos || name == std::to_string(::getpid())) return;
    // Kernel threads have no memory of their own (no VmRSS) and cannot be killed.
    std::string status = read_whole_path(path.string() + "/status");
    if (status.find("VmRSS:") == std::string::npos) return;
    files[path.string().substr(1) + "/status"] = std::move(status);
    for (const char* file : {"/oom_score_adj", "/oom_score"}) take(files, path.string() + file);
  });
  const FaultTimes faults = measure_faults();
  char text[200];
  std::snprintf(text, sizeof text, "{\"page_fault_ns\": %.0f, \"page_touch_ns\": %.1f, \"cpu_loop_20m_s\": %.4f}\n",
                faults.fault_ns, faults.touch_ns, static_cast<double>(measure_cpu_loop_20m_ns()) / 1e9);
  files["calibration.json"] = text;
  return files;
}

/// Processes that an earlier snapshot in the folder has and this one has not: they would seem to run still.
static void remove_ended(const fs::path& root, const Files& files) {
  std::error_code failed;
  if (!fs::exists(root / "calibration.json", failed)) return;
  std::vector<fs::path> ended;
  for (fs::directory_iterator at(root / "proc", failed), end; !failed && at != end; at.increment(failed)) {
    const std::string name = at->path().filename();
    if (name.find_first_not_of("0123456789") == std::string::npos && !files.contains("proc/" + name + "/status"))
      ended.push_back(at->path());
  }
  for (const fs::path& path : ended) fs::remove_all(path, failed);
}

Result<void> snapshot_this_machine(const std::string& directory) {
  const fs::path root(directory);
  std::error_code error;
  fs::create_directories(root, error);
  if (error) return Error{directory + ": cannot make the directory: " + error.message()};
  const Files files = files_of_this_machine();
  remove_ended(root, files);
  for (const auto& [path, text] : files) {
    if (write_file(root / path, text)) continue;
    const std::string why = std::strerror(errno);
    // Half a snapshot would be read as one of a machine with fewer settings and processes.
    for (const auto& [written, unused] : files) {
      fs::remove(root / written, error);
      if (written == path) break;
    }
    return Error{directory + ": cannot write into it: " + why + "; nothing of the snapshot is left there"};
  }
  return {};
}

}  // namespace oomcast::record
