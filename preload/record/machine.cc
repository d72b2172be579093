// How fast is this machine, and what does its kernel say of itself? Measured, and copied file by file, for `--host this`.
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
#include <system_error>

#include "model/base/units.h"
#include "preload/record/proc_maps.h"
#include "preload/record/recorder.h"
#include "preload/record/task_clock.h"
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

/// Copies one kernel file to its place below `root`; one that is not there or not readable is left out.
bool copy_kernel_file(const std::string& path, const fs::path& root) {
  const std::string text = read_whole_path(path);
  return text.empty() || write_file(root / path.substr(1), text);
}

struct FaultTimes {
  double fault_ns = 0, touch_ns = 0;
};
/// The fastest of several pieces, so that an interruption spoils one of them only. More pages than a TLB holds, and no more
/// than that: each start of a program waits for this.
FaultTimes measure_faults() {
  constexpr size_t kPieces = 8, kPagesEach = 384, kPage = static_cast<size_t>(kPageBytes);
  const size_t bytes = kPieces * kPagesEach * kPage;
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return {};
  ::madvise(memory, bytes, MADV_NOHUGEPAGE);
  auto* const at = static_cast<volatile char*>(memory);
  const auto fastest_pass = [&] {
    double best_ns = 1e12;
    for (size_t piece = 0; piece < kPieces; ++piece) {
      const uint64_t before = monotonic_ns();
      for (size_t page = piece * kPagesEach; page < (piece + 1) * kPagesEach; ++page) at[page * kPage] = static_cast<char>(page);
      best_ns = std::min(best_ns, static_cast<double>(monotonic_ns() - before) / kPagesEach);
    }
    return best_ns;
  };
  const double first_ns = fastest_pass(), second_ns = fastest_pass();
  ::munmap(memory, bytes);
  return {std::max(first_ns - second_ns, 0.0), second_ns};
}

}  // namespace

int64_t measure_cpu_loop_20m_ns() {
  constexpr uint64_t kSteps = 1'000'000;
  uint64_t best = ~uint64_t{0};
  for (int attempt = 0; attempt < 5; ++attempt) {
    volatile uint64_t a = 1;
    const uint64_t before = monotonic_ns();
    for (uint64_t i = 0; i < kSteps; ++i) a = a * 3 + 1;
    best = std::min(best, monotonic_ns() - before);
  }
  return static_cast<int64_t>(best * (20'000'000 / kSteps));
}

uint64_t file_number(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) ? ring::file_id(status.st_dev, status.st_ino) : 0;
}

Result<void> snapshot_this_machine(const std::string& directory) {
  const fs::path root(directory);
  std::error_code error;
  fs::create_directories(root, error);
  if (error) return Error{directory + ": cannot make the directory: " + error.message()};
  if (!write_file(root / "proc/version", read_whole_path("/proc/version"))) return Error{directory + ": cannot write into it: " + std::strerror(errno)};
  bool ok = true;
  for (const char* path : {"/proc/zoneinfo", "/proc/meminfo", "/proc/vmstat", "/proc/buddyinfo", "/proc/swaps", "/proc/cpuinfo", "/proc/cmdline", "/proc/pressure/memory", "/proc/sys/kernel/numa_balancing",
                           "/proc/sys/fs/dentry-state", "/proc/sys/fs/inode-nr"})
    ok &= copy_kernel_file(path, root);
  copy_kernel_file("/proc/slabinfo", root);  // for root's eyes only
  const auto each = [&](const char* path, auto&& visit) {
    std::error_code missing;
    for (fs::directory_iterator at(path, missing), end; !missing && at != end; at.increment(missing)) visit(at->path());
  };
  each("/proc/sys/vm", [&](const fs::path& path) {
    // Those that can only be written to, or that act when touched.
    const std::string name = path.filename();
    if (name != "compact_memory" && name != "drop_caches" && name != "stat_refresh") ok &= copy_kernel_file(path.string(), root);
  });
  each("/sys/devices/system/node", [&](const fs::path& path) {
    if (!path.filename().string().starts_with("node")) return;
    for (const char* name : {"/meminfo", "/distance", "/cpulist", "/numastat"}) ok &= copy_kernel_file(path.string() + name, root);
  });
  for (const char* name : {"online", "possible", "has_cpu", "has_memory"}) ok &= copy_kernel_file(std::string("/sys/devices/system/node/") + name, root);
  for (const char* folder : {"/sys/kernel/mm/lru_gen", "/sys/kernel/mm/transparent_hugepage"})
    each(folder, [&](const fs::path& path) {
      if (fs::is_regular_file(path)) ok &= copy_kernel_file(path.string(), root);
    });
  each("/proc", [&](const fs::path& path) {
    const std::string name = path.filename();
    if (name.find_first_not_of("0123456789") != std::string::npos || name == std::to_string(::getpid())) return;
    // Kernel threads have no memory of their own and cannot be killed.
    if (read_whole_path(path.string() + "/status").find("VmRSS:") == std::string::npos) return;
    for (const char* file : {"/status", "/oom_score_adj", "/oom_score"}) ok &= copy_kernel_file(path.string() + file, root);
  });
  const FaultTimes faults = measure_faults();
  char text[200];
  std::snprintf(text, sizeof text, "{\"page_fault_ns\": %.0f, \"page_touch_ns\": %.1f, \"cpu_loop_20m_s\": %.4f}\n", faults.fault_ns, faults.touch_ns, static_cast<double>(measure_cpu_loop_20m_ns()) / 1e9);
  ok &= write_file(root / "calibration.json", text);
  if (!ok) return Error{directory + ": could not write all files: " + std::strerror(errno)};
  return {};
}

}  // namespace oomcast::record
