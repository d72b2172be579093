// MemoryView: what the kernel says about the memory of one process. ProcMemory reads /proc; a test has an
// implementation of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "preload/record/kernel/page_scan.h"
#include "preload/record/kernel/proc_file.h"
#include "preload/record/kernel/proc_maps.h"

namespace oomcast::record {

/// Which pages a scan looks for.
enum class ScanKind {
  kResident,   // anonymous, resident or swapped, without the shared zero page
  kAnonymous,  // the same for ranges with anonymous memory only: a tenth of the time
  kShared,     // resident pages of files and of shared memory
  kWritten,    // anonymous pages, resident or swapped, that are not write-protected by userfaultfd
  kZero,       // the shared zero page: only read so far
};

class MemoryView {
 public:
  virtual ~MemoryView() = default;

  /// Calls found() for each run of such pages in [start, end), in order of addresses. Returns the address up to which
  /// the answer holds: `end`, or less if the process has ended or the kernel has refused a call.
  virtual uint64_t scan(ScanKind kind, uint64_t start, uint64_t end, const FoundRun& found) const = 0;
  /// Entries of /proc/PID/pagemap for `pages` pages; fewer: the address space is gone.
  virtual std::vector<uint64_t> entries(uint64_t start, uint64_t pages) const = 0;
  /// All mappings; empty: the address space is gone.
  virtual std::vector<Vma> mappings() const = 0;
  /// The mapping that contains the address; false: none.
  virtual bool mapping_at(uint64_t address, Vma* out) const = 0;
  /// The counts of /proc/PID/statm.
  virtual Resident resident() const = 0;
  /// The text of /proc/PID/status.
  virtual std::string status() const = 0;
  /// The text of /proc/PID/smaps.
  virtual std::string smaps() const = 0;
  /// Reads content and returns the number of bytes read. Never waits for a page (why: guest_content.h).
  virtual size_t read(uint64_t address, void* out, size_t bytes) const = 0;

  /// Whether the cost of scan() depends on the pages that are there, not on the range: PAGEMAP_SCAN exists.
  virtual bool scans_fast() const = 0;
  /// Whether mapping_at() reads one mapping only: PROCMAP_QUERY exists.
  virtual bool queries_mappings() const = 0;

  /// The program has exec'ed: from now on the view shows the new address space.
  virtual void begin_address_space() = 0;
  /// Opens pagemap now, while the process surely runs this program.
  virtual void open() = 0;
  /// False: the process had no memory, or not yet, when the view was opened.
  virtual bool has_memory() const = 0;
  /// False once the address space that the view shows is gone, by an exec or an exit.
  virtual bool lives() const = 0;
  /// To be called after the first thread has left by pthread_exit(): reads the files of another thread from now on.
  /// False: no other thread has memory, or its files are read already.
  virtual bool follow_living_thread() = 0;
};

class ProcMemory final : public MemoryView {
 public:
  explicit ProcMemory(uint32_t pid);

  uint64_t scan(ScanKind kind, uint64_t start, uint64_t end, const FoundRun& found) const override;
  std::vector<uint64_t> entries(uint64_t start, uint64_t pages) const override;
  std::vector<Vma> mappings() const override { return read_maps(maps_.get()); }
  bool mapping_at(uint64_t address, Vma* out) const override { return query_map(maps_.get(), address, out); }
  Resident resident() const override { return resident_of(read_line(statm_.get())); }
  std::string status() const override { return read_whole(status_.get()); }
  std::string smaps() const override { return read_whole_path(proc_of(pid_, thread_) + "smaps"); }
  size_t read(uint64_t address, void* out, size_t bytes) const override;
  bool scans_fast() const override { return kernel_has_pagemap_scan(); }
  bool queries_mappings() const override { return kernel_has_procmap_query(); }

  void begin_address_space() override;
  void open() override { pagemap_.get(); }
  bool has_memory() const override { return pagemap_.has_content(); }
  bool lives() const override;
  bool follow_living_thread() override;

 private:
  void follow(uint32_t tid);

  uint32_t pid_;
  uint32_t thread_ = 0;  // thread whose files are read after the first one has left; 0: those of /proc/PID
  ProcFile maps_{"maps"}, pagemap_{"pagemap"}, mem_{"mem"}, statm_{"statm"}, status_{"status"};
};

}  // namespace oomcast::record
