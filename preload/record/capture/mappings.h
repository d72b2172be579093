// Mappings: what each process has mapped, as the sink knows it, and what of it is registered.
#pragma once

#include <cstdint>
#include <vector>

#include "preload/record/capture/capture_notes.h"
#include "preload/record/capture/event_feed.h"
#include "preload/record/capture/resident_meter.h"
#include "preload/record/capture/shared_memory.h"
#include "preload/record/guest/guest_process.h"
#include "preload/record/kernel/pages.h"

namespace oomcast::record {

/// Counts the present pages of memory that has just become known.
class PageCounter {
 public:
  virtual ~PageCounter() = default;
  /// Makes the known pages of the ranges those that the page table shows.
  virtual void reconcile(Process& process, const std::vector<PageRange>& ranges) = 0;
};

/// How a mapping that is learned is registered: by learn(), by the caller before it, or after the next scan.
enum class Registration { kByItself, kDone, kLater };

class Mappings {
 public:
  Mappings(EventFeed& feed, Stash& stash, SharedMemory& shared_memory, ResidentMeter& meter, CaptureNotes& notes,
           const Clocks& clocks)
      : feed_(feed), stash_(stash), shared_memory_(shared_memory), meter_(meter), notes_(notes), clocks_(clocks) {}

  /// To be called once, before anything is learned.
  void count_pages_with(PageCounter& counter) { counter_ = &counter; }

  /// Takes a mapping into the table: reports the new parts, registers it if possible, counts its present pages. With
  /// `registered` the pages are not counted: the ranges that were registered are appended there, and the caller counts
  /// them.
  void learn(Process& process, const Vma& vma, bool no_reserve, Registration how = Registration::kByItself,
             std::vector<PageRange>* registered = nullptr);
  /// Learns all mappings of /proc/PID/maps. Neighbours that can be registered are registered with one call. `whole`: a
  /// scan of everything.
  void learn_all(Process& process, const std::vector<Vma>& maps, bool whole);
  /// Learns the mappings that differ from process.last_maps. Their pages are not counted: the caller polls them next.
  void learn_changed(Process& process, const std::vector<Vma>& maps);
  /// Reports which memory is locked, for a process whose library does not note it: read from smaps whenever VmLck has
  /// changed.
  void learn_locks(Process& process);
  /// Learns the mappings of shared memory in [start, end).
  void learn_shared(Process& process, uint64_t start, uint64_t end);
  /// Learns the mappings in the unknown parts of [start, end), in each part up to its first hole.
  void learn_unknown(Process& process, uint64_t start, uint64_t end);
  /// The kernel's notice: a mapping was made at [start, end). It may have been joined with a neighbour.
  void learn_reported(Process& process, uint64_t start, uint64_t end);
  /// Registers [start, end) with the userfaultfd of the heap or that of all other memory. False: errno tells why.
  bool register_memory(Process& process, uint64_t start, uint64_t end);
  /// [start, end) was unmapped: forgets it and reports it.
  void unmap(Process& process, uint64_t start, uint64_t end);
  /// The REMOVE event of [start, end): MADV_DONTNEED, or MADV_FREE if the library has noted one.
  void remove(Process& process, uint64_t start, uint64_t end);
  /// mremap() has moved `bytes` from `from` to `to`.
  void remap(Process& process, uint64_t from, uint64_t to, uint64_t bytes);
  /// The program has unmapped shared memory at [start, end). shmdt() names only the first page of a segment.
  void forget_shared(Process& process, uint64_t start, uint64_t end);

 private:
  /// A mapping that is learned, and what it means.
  struct Learned {
    const Vma& vma;
    bool shared;     // memory that several processes may map, not a file's
    bool anonymous;  // in the sink's eyes: it holds no file's data
    bool no_reserve;
  };
  void unmap_replaced(Process& process, const Learned& mapping);
  std::vector<PageRange> add_areas(Process& process, const Learned& mapping);
  static Area area_of(const Process& process, const Learned& mapping, const PageRange& range);
  void report_area(Process& process, const Vma& vma, const Area& area);
  void take_protection(Process& process, const Vma& vma);
  void register_and_count(Process& process, const Vma& vma, Registration how, std::vector<PageRange>* registered);
  void note_heap(Process& process, const Vma& vma);
  Registration register_between(Process& process, uint64_t start, uint64_t end, bool whole);
  static bool is_asked_for(const Process& process, const PageRange& gap);

  EventFeed& feed_;
  Stash& stash_;
  SharedMemory& shared_memory_;
  ResidentMeter& meter_;
  CaptureNotes& notes_;
  const Clocks& clocks_;
  PageCounter* counter_ = nullptr;
};

}  // namespace oomcast::record
