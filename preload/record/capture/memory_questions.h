// MemoryQuestions: what has to be done before a program uses memory that it has mapped, or frees memory.
#pragma once

#include "preload/record/capture/heap_break.h"
#include "preload/record/capture/mapped_files.h"
#include "preload/record/capture/scanner.h"
#include "preload/ring/protocol.h"

namespace oomcast::record {

/// The library in the process asks, and waits. REQUIRES of all questions: no address is above user space.
class MemoryQuestions {
 public:
  MemoryQuestions(Mappings& mappings, HeapBreak& heap, PagePoller& poller, MappedFiles& mapped_files,
                  ResidentMeter& meter, Scanner& scanner)
      : mappings_(mappings),
        heap_(heap),
        poller_(poller),
        mapped_files_(mapped_files),
        meter_(meter),
        scanner_(scanner) {}

  void take_growth(Process& process, const ring::Request& question) { heap_.take_growth(process, question); }
  void take_mapped(Process& process, const ring::Request& question);
  void take_unknown(Process& process, const ring::Request& question);
  void take_freeing(Process& process, const ring::Request& question);

 private:
  void learn_allocation(Process& process, uint64_t start, uint64_t end);

  Mappings& mappings_;
  HeapBreak& heap_;
  PagePoller& poller_;
  MappedFiles& mapped_files_;
  ResidentMeter& meter_;
  Scanner& scanner_;
};

}  // namespace oomcast::record
