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

/// Counts the pages that are there already in memory that has just become known.
class PageCounter {
 public:
  virtual ~PageCounter() = default;
  virtual void reconcile(Process& process, const std::vector<PageRange>& ranges) = 0;
};

/// Who registers a mapping that is learned.
enum class Registration { kByItself, kDone, kLater };

class Mappings {
 public:
  Mappings(EventFeed& feed, Stash& stash, SharedMemory& shared_memory, ResidentMeter& meter, CaptureNotes& notes,
           const Clocks& clocks)
      : feed_(feed), stash_(stash), shared_memory_(shared_memory), meter_(meter), notes_(notes), clocks_(clocks) {}

  /// To be called once, before anything is learned.
  void count_pages_with(PageCounter& counter) { counter_ = &counter; }

  void learn(Process& process, const Vma& vma, bool no_reserve, Registration how = Registration::kByItself,
             std::vector<PageRange>* registered = nullptr);
  void learn_all(Process& process, const std::vector<Vma>& maps, bool whole);
  void learn_changed(Process& process, const std::vector<Vma>& maps);
  void learn_locks(Process& process);
  void learn_shared(Process& process, uint64_t start, uint64_t end);
  void learn_unknown(Process& process, uint64_t start, uint64_t end);
  void learn_reported(Process& process, uint64_t start, uint64_t end);
  bool register_memory(Process& process, uint64_t start, uint64_t end);
  void unmap(Process& process, uint64_t start, uint64_t end);
  void remove(Process& process, uint64_t start, uint64_t end);
  void remap(Process& process, uint64_t from, uint64_t to, uint64_t bytes);
  void forget_shared(Process& process, uint64_t start, uint64_t end);

 private:
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
