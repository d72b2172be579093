// MemoryView: what the kernel says about the memory of one process. ProcMemory asks /proc; a test brings a kernel of
// its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "preload/record/kernel/page_scan.h"
#include "preload/record/kernel/proc_file.h"
#include "preload/record/kernel/proc_maps.h"

namespace oomcast::record {

/// The pages that a scan looks for.
enum class ScanKind {
  kResident,   // anonymous, resident or swapped; the shared zero page is left out
  kAnonymous,  // the same where nothing but anonymous memory is mapped: a tenth of the time
  kShared,     // of files and of shared memory
  kWritten,    // resident anonymous pages without a write protection by userfaultfd
  kZero,       // the shared zero page: read, and never written
};

class MemoryView {
 public:
  virtual ~MemoryView() = default;

  /// Calls found() for the runs of such pages in [start, end), in order. Returns the address up to which the answer
  /// holds: `end`, or less if the process has gone or the kernel has refused.
  virtual uint64_t scan(ScanKind kind, uint64_t start, uint64_t end, const FoundRun& found) const = 0;
  /// The entries of /proc/PID/pagemap for `pages` pages; fewer if the process is gone.
  virtual std::vector<uint64_t> entries(uint64_t start, uint64_t pages) const = 0;
  /// All mappings. Empty: the process is gone.
  virtual std::vector<Vma> mappings() const = 0;
  /// The one mapping that holds the address. False: there is none.
  virtual bool mapping_at(uint64_t address, Vma* out) const = 0;
  /// The counts of /proc/PID/statm.
  virtual Resident resident() const = 0;
  /// The text of /proc/PID/status.
  virtual std::string status() const = 0;
  /// The text of /proc/PID/smaps.
  virtual std::string smaps() const = 0;
  /// Reads content and never waits for a page (why: guest_content.h). The number of bytes that were read.
  virtual size_t read(uint64_t address, void* out, size_t bytes) const = 0;

  /// scan() takes the time of the pages that are there, not of the range: the kernel has PAGEMAP_SCAN.
  virtual bool scans_fast() const = 0;
  /// mapping_at() does not read all mappings: the kernel has PROCMAP_QUERY.
  virtual bool queries_mappings() const = 0;

  /// The program has exec'ed: the view is of the new address space from now on.
  virtual void begin_address_space() = 0;
  /// Opens the view now, while the process surely runs this program.
  virtual void open() = 0;
  /// False: the process had no memory any more, or not yet, when the view was opened.
  virtual bool has_memory() const = 0;
  /// False once the address space that the view was opened on is gone, by exec or exit.
  virtual bool lives() const = 0;
  /// The first thread has left by pthread_exit(): from now on the files of a thread that runs on are read. False: there
  /// is none, or it is read already.
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
  uint32_t thread_ = 0;  // whose files are read, once the first thread has left; 0: the process's
  ProcFile maps_{"maps"}, pagemap_{"pagemap"}, mem_{"mem"}, statm_{"statm"}, status_{"status"};
};

}  // namespace oomcast::record
