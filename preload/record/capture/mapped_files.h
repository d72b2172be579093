// Reports which pages of mapped files the program uses, its own text included. The page table is polled.
//
// The kernel maps a page of the page cache together with its neighbours (filemap_map_pages), so up to 16 pages more
// than were used are reported. On the target the readahead of such a fault brings them in as well.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "preload/record/capture/capture_notes.h"
#include "preload/record/capture/deleted_files.h"
#include "preload/record/capture/event_feed.h"
#include "preload/record/capture/scan_planner.h"
#include "preload/record/capture/shared_memory.h"
#include "preload/record/guest/file_mappings.h"
#include "preload/record/guest/guest_process.h"

namespace oomcast::record {

/// The mappings among `maps` that hold a file's data. They are large, of a regular file that this process does not
/// execute, and not private and writable: writes to those make anonymous memory, which is tracked as such.
std::vector<Vma> data_file_mappings(const std::vector<Vma>& maps);

/// The mappings among `maps` that hold code and constants of the program and its libraries. Left out are our own
/// library, the C library and the shells, which every target has in memory anyway.
std::vector<Vma> program_mappings(const std::vector<Vma>& maps);

/// Whether the queues of an io_uring are among `maps`.
bool maps_io_uring(const std::vector<Vma>& maps);

class MappedFiles {
 public:
  MappedFiles(EventFeed& feed, SharedMemory& shared_memory, DeletedFiles& deleted, const ScanPlanner& planner,
              CaptureNotes& notes, const Clocks& clocks)
      : feed_(feed),
        shared_memory_(shared_memory),
        deleted_(deleted),
        planner_(planner),
        notes_(notes),
        clocks_(clocks) {}

  /// Reports new mappings of files and the end of those that are gone. `maps`: the present mappings.
  void learn(Process& process, const std::vector<Vma>& maps);
  /// Reports the pages of mapped files that were used since the last scan.
  void scan(Process& process);
  /// Called while the program waits in a hook, before it unmaps a file.
  void scan_before_free(Process& process);
  /// The program has unmapped [start, end), and may have mapped the same file there again by now.
  void forget(Process& process, uint64_t start, uint64_t end);

 private:
  bool is_image(const Vma& vma);
  bool reported_elsewhere(Process& process, const Vma& vma);
  void forget_one(Process& process, FileMappings::iterator at);
  void report_used(Process& process, FileMapping& mapping, const std::vector<PageRange>& resident);

  EventFeed& feed_;
  SharedMemory& shared_memory_;
  DeletedFiles& deleted_;
  const ScanPlanner& planner_;
  CaptureNotes& notes_;
  const Clocks& clocks_;
  std::map<uint64_t, bool> images_;  // by file number: whether it is an ELF file
};

}  // namespace oomcast::record
