// NoteReader: reads the notes that the library in the guest has left in its ring, and passes each to the class that
// handles it.
#include "preload/record/capture/note_reader.h"

#include <utility>
#include <vector>

#include "preload/record/kernel/pages.h"
#include "preload/ring/file_notes.h"

namespace oomcast::record {
namespace {

constexpr size_t kTasksMax = 65536;
constexpr uint64_t kUserEnd = uint64_t{1} << 56;

}  // namespace

void NoteReader::drain(Process& process) {
  if (!process.shared) return;
  heap_.take_fall(process);
  ring::RingRecord record;
  // Bounded: a guest that writes without pause must not occupy the recorder.
  for (uint64_t i = 0; i < 2 * ring::kSlots && process.shared->reader.pop(record); ++i) {
    if (i == ring::kSlots / 16) files_.drain_soon(process, clocks_.now_ns());
    ++count_.notes;
    const trace::Event& note = record.event;
    if (note.address + note.bytes < note.address) continue;
    // Addresses outside user space, and threads beyond a bound, are not believed.
    const bool of_memory = note.kind == trace::EventKind::kAlloc || note.kind == trace::EventKind::kAdviseFree ||
                           note.kind == trace::EventKind::kProtect || note.kind == trace::EventKind::kBindRange ||
                           note.kind == trace::EventKind::kHomeNode || note.kind == trace::EventKind::kAdviseHuge ||
                           note.kind == trace::EventKind::kLock || note.kind == trace::EventKind::kUnmap;
    if ((of_memory && note.address + note.bytes > kUserEnd) ||
        (process.tasks.size() >= kTasksMax && !process.tasks.contains(note.tid)))
      continue;
    switch (note.kind) {
      case trace::EventKind::kAlloc:
        take_sample(process, note, {record.frames, record.frame_count});
        break;
      case trace::EventKind::kAdviseFree:
        if (note.bytes == 0)
          process.held.free_advice.withdraw(note.tid);
        else if (process.reports_frees())
          process.held.free_advice.expect(note.tid, note.address, note.address + note.bytes);
        break;
      case trace::EventKind::kProtect: {
        const bool writable = note.flags & trace::kWritable;
        std::vector<std::pair<uint64_t, uint64_t>> changed;
        process.map.for_each(page_down(note.address), page_up(note.address + note.bytes), [&](Area& area) {
          if (area.writable != writable && area.reported) changed.emplace_back(area.start, area.end);
          if (area.writable != writable) area.since_scan = process.scans.count;
          area.writable = writable;
        });
        for (const auto& [start, end] : changed)
          feed_.report(process, trace::EventKind::kProtect, start, end - start, 0, writable ? trace::kWritable : 0);
        break;
      }
      case trace::EventKind::kFork:
        meter_.note_pending_child(process, static_cast<uint32_t>(note.address));
        if ((note.flags & ring::kSaysNoHello) != 0)
          children_without_descriptor_.emplace_back(static_cast<uint32_t>(note.address), process.pid);
        break;
      case trace::EventKind::kUnmap:
        mapped_files_.forget(process, page_down(note.address), page_up(note.address + note.bytes));
        mappings_.forget_shared(process, page_down(note.address), page_up(note.address + note.bytes));
        process.leaving.gone(page_down(note.address), page_up(note.address + note.bytes));
        break;
      case trace::EventKind::kAdviseDontneed:
        process.leaving.gone(page_down(note.address), page_up(note.address + note.bytes));
        break;
      case trace::EventKind::kFileRead:
      case trace::EventKind::kFileWrite:
      case trace::EventKind::kFileSync:
      case trace::EventKind::kFilePunch:
      case trace::EventKind::kFileTruncate:
        if (ring::is_last_name_gone(note))
          deleted_.take_note(process, note);
        else
          files_.take_note(process, note);
        break;
      case trace::EventKind::kFileInMemory:
        shared_memory_.take_note(process, note);
        break;
      case trace::EventKind::kSetPolicy:
      case trace::EventKind::kBindRange:
      case trace::EventKind::kHomeNode:
      case trace::EventKind::kAdviseHuge:
      case trace::EventKind::kThpDisable:
      case trace::EventKind::kLock:
      case trace::EventKind::kLockAll:
      case trace::EventKind::kAffinity:
      case trace::EventKind::kLimit:
        settings_.take_note(process, note);
        break;
      default:
        break;  // nothing else is expected: the ring's contents are not to be trusted
    }
  }
  if (!process.forks.pending_children.empty()) meter_.count_pending_children(process);
}

void NoteReader::take_sample(Process& process, const trace::Event& note, std::span<const uint64_t> counters) {
  trace::Event event = feed_.stamp(process, nullptr, trace::EventKind::kAlloc);
  event.tid = note.tid;
  event.address = note.address;
  event.bytes = note.bytes;
  event.flags = note.flags;
  event.stack_id = sites_.take_sample(process, note, counters);
  if (event.stack_id != 0) feed_.feed(event);
}

}  // namespace oomcast::record
