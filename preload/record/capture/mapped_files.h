// Reports what the program uses of files that it has mapped, its own text among them. The page table is polled.
//
// A page that is in this machine's page cache is mapped together with its neighbours (filemap_map_pages), so what is
// reported may be up to 16 pages more than was used; on the target the readahead of such a fault brings them in as
// well.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "preload/record/capture/capture_notes.h"
#include "preload/record/capture/event_feed.h"
#include "preload/record/capture/scan_planner.h"
#include "preload/record/capture/shared_memory.h"
#include "preload/record/guest/file_mappings.h"
#include "preload/record/guest/guest_process.h"

namespace oomcast::record {

/// The mappings among `maps` that give a file's data: large, of a regular file that this process does not execute from,
/// and not copied by writes (a private writable mapping makes anonymous memory, which is tracked as such).
std::vector<Vma> data_file_mappings(const std::vector<Vma>& maps);

/// The mappings among `maps` that hold code and constants of the program and its libraries, as far as nothing but this
/// run brings them into the target's memory: without our own library, the C library and what else every host runs all
/// the time.
std::vector<Vma> program_mappings(const std::vector<Vma>& maps);

class MappedFiles {
 public:
  MappedFiles(EventFeed& feed, SharedMemory& shared_memory, const ScanPlanner& planner, CaptureNotes& notes,
              const Clocks& clocks)
      : feed_(feed), shared_memory_(shared_memory), planner_(planner), notes_(notes), clocks_(clocks) {}

  void learn(Process& process, const std::vector<Vma>& maps);
  void scan(Process& process);
  void scan_before_free(Process& process);
  void forget(Process& process, uint64_t start, uint64_t end);

 private:
  bool is_image(const Vma& vma);
  bool reported_elsewhere(Process& process, const Vma& vma);
  void forget_one(Process& process, FileMappings::iterator at);
  void report_used(Process& process, FileMapping& mapping, const std::vector<PageRange>& resident);

  EventFeed& feed_;
  SharedMemory& shared_memory_;
  const ScanPlanner& planner_;
  CaptureNotes& notes_;
  const Clocks& clocks_;
  std::map<uint64_t, bool> images_;  // by file number: an ELF file
};

}  // namespace oomcast::record
