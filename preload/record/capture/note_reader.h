// NoteReader: reads the notes that the library in the guest has left in its ring, and passes each to the class that
// handles it.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "preload/record/capture/deleted_files.h"
#include "preload/record/capture/file_uses.h"
#include "preload/record/capture/heap_break.h"
#include "preload/record/capture/settings.h"

namespace oomcast::record {

class NoteReader {
 public:
  NoteReader(EventFeed& feed, Sites& sites, HeapBreak& heap, Mappings& mappings, MappedFiles& mapped_files,
             SharedMemory& shared_memory, DeletedFiles& deleted, FileUses& files, Settings& settings,
             ResidentMeter& meter, Statistics& count, const Clocks& clocks)
      : feed_(feed),
        sites_(sites),
        heap_(heap),
        mappings_(mappings),
        mapped_files_(mapped_files),
        shared_memory_(shared_memory),
        deleted_(deleted),
        files_(files),
        settings_(settings),
        meter_(meter),
        count_(count),
        clocks_(clocks) {}

  /// Reads the ring of the process until it is empty, at most twice its size.
  void drain(Process& process);
  /// Children without a free descriptor for a hello that were noted since the last call, each with its parent.
  std::vector<std::pair<uint32_t, uint32_t>> take_children_without_descriptor() {
    return std::exchange(children_without_descriptor_, {});
  }

 private:
  void take_sample(Process& process, const trace::Event& note, std::span<const uint64_t> counters);

  EventFeed& feed_;
  Sites& sites_;
  HeapBreak& heap_;
  Mappings& mappings_;
  MappedFiles& mapped_files_;
  SharedMemory& shared_memory_;
  DeletedFiles& deleted_;
  FileUses& files_;
  Settings& settings_;
  ResidentMeter& meter_;
  Statistics& count_;
  const Clocks& clocks_;
  std::vector<std::pair<uint32_t, uint32_t>> children_without_descriptor_;
};

}  // namespace oomcast::record
