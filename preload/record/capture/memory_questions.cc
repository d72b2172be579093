// MemoryQuestions: what has to be done before a program uses memory that it has mapped, or frees memory.
#include "preload/record/capture/memory_questions.h"

#include <sys/mman.h>

#include <algorithm>

#include "preload/record/kernel/pages.h"

namespace oomcast::record {

/// RequestKind::kMapped.
void MemoryQuestions::take_mapped(Process& process, const ring::Request& question) {
  if (question.bytes == 0) return;
  Vma vma;
  vma.start = page_down(question.address);
  vma.end = page_up(question.address + question.bytes);
  vma.readable = question.argument & PROT_READ;
  vma.writable = question.argument & PROT_WRITE;
  vma.one_request = true;
  vma.locked = question.flags & MAP_LOCKED;
  mappings_.learn(process, vma, question.flags & MAP_NORESERVE);
}

/// RequestKind::kUnknownPage.
void MemoryQuestions::take_unknown(Process& process, const ring::Request& question) {
  const uint64_t start = question.address, end = start + std::max<uint64_t>(question.bytes, 1);
  if (question.bytes >= ring::kFoundPieceBytes) learn_allocation(process, start, end);
  Vma vma;
  for (uint64_t at = start; at < end && process.memory->mapping_at(at, &vma); at = vma.end)
    mappings_.learn(process, vma, false);
  // Marked as known, whatever it is: else each allocation there would ask again.
  if (process.shared) process.shared->known.set(page_down(start), page_up(end), true);
}

/// The mapping of a large allocation may hold other allocations as well: the pages of this one are learned first, as
/// one request.
void MemoryQuestions::learn_allocation(Process& process, uint64_t start, uint64_t end) {
  Vma vma;
  if (!process.memory->mapping_at(start, &vma) || vma.end < end || !vma.anonymous()) return;
  vma.start = std::max(vma.start, page_down(start));
  vma.end = std::min(vma.end, page_up(end));
  vma.one_request = true;
  mappings_.learn(process, vma, false);
}

/// RequestKind::kFreeing.
void MemoryQuestions::take_freeing(Process& process, const ring::Request& question) {
  const uint64_t start = question.address, end = start + question.bytes;
  if (end <= start) return;
  scanner_.scan_at_possible_peak();
  poller_.scan_before_free(process, page_down(start), page_up(end), question.argument == ring::kMayStay);
  // The coverage ratio compares the tracked peak with the kernel's, so the kernel's count is read before the free.
  if (meter_.rises_above(meter_.tracked_pages() * kPage, meter_.rss_peak_bytes())) meter_.sample_resident(process);
  if (question.argument == ring::kOfFile) mapped_files_.scan_before_free(process);
}

}  // namespace oomcast::record
