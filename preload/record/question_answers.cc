// QuestionAnswers: carries out the questions of the library in a guest, one at a time, before the guest goes on.
#include "preload/record/question_answers.h"

#include <vector>

#include "preload/ring/file_notes.h"

namespace oomcast::record {
namespace {

constexpr uint64_t kUserEnd = uint64_t{1} << 56;

}  // namespace

ring::ReplyStatus QuestionAnswers::answer(Process& process, const ring::Request& question) {
  if (question.address > kUserEnd || question.bytes > kUserEnd) return ring::ReplyStatus::kTracked;
  ++count_.requests;
  const bool was_scanned = process.scans.begun;
  catch_up(process, question);
  feed_.take_refusal();  // drops refusals of earlier events
  carry_out(process, question, was_scanned);
  const bool refused = feed_.take_refusal() && options_.refuse_enomem;
  notes_.refused_memory |= refused;
  feed_.arm_watches();
  return refused ? ring::ReplyStatus::kRefused : ring::ReplyStatus::kTracked;
}

/// Reports what the process did before it asked.
void QuestionAnswers::catch_up(Process& process, const ring::Request& question) {
  // Memory must have been scanned before it is freed, by a call or by the exit.
  if (!process.scans.begun &&
      (question.kind == ring::RequestKind::kFreeing || question.kind == ring::RequestKind::kExiting))
    scanner_.scan(process, true);
  if (process.reports_frees()) faults_.serve(process);
  reader_.drain(process);
  if (question.tid != 0 && process.tasks.contains(question.tid)) process.tasks[question.tid]->clock.count_request();
  process.scans.active = true;
}

void QuestionAnswers::carry_out(Process& process, const ring::Request& question, bool was_scanned) {
  switch (question.kind) {
    case ring::RequestKind::kBreakMoved:
      return memory_.take_growth(process, question);
    case ring::RequestKind::kMapped:
      return memory_.take_mapped(process, question);
    case ring::RequestKind::kUnknownPage:
      return memory_.take_unknown(process, question);
    case ring::RequestKind::kFreeing:
      return memory_.take_freeing(process, question);
    case ring::RequestKind::kExiting:
      return take_exit(process, static_cast<int>(question.argument) & 0xff, was_scanned);
    case ring::RequestKind::kGiveWay:
      return give_way_as_asked(process, question);
    case ring::RequestKind::kFileNoted:
      return take_file_note(process, question.argument == ring::kScanShared);
    case ring::RequestKind::kForking:
      return bring_back_before_fork(process);
    case ring::RequestKind::kKillsAll:
      return stash_.end(process);
    case ring::RequestKind::kHello:
    case ring::RequestKind::kHelloForked:
    case ring::RequestKind::kHelloStash:
      return;  // these come over a socket
  }
}

void QuestionAnswers::take_exit(Process& process, int status, bool was_scanned) {
  process.life.exit_status = status;
  windows_.close_stalled(process, 0);
  if (was_scanned) scanner_.scan_last(process);
  scanner_.scan_at_possible_peak();
}

/// The note itself was taken with the others; its watches are armed before the guest goes on.
void QuestionAnswers::take_file_note(Process& process, bool scan_shared) {
  if (scan_shared) scanner_.scan_shared_now(process);
}

/// Pages that are out cannot be shared with the child, so they are brought back and write-protected. While they are
/// shared, their reads are not seen.
void QuestionAnswers::bring_back_before_fork(Process& process) {
  const std::vector<uint64_t> pages = Stash::pages_out(process, 0, kLowHalfEnd);
  if (stash_.bring_back(process, 0, kLowHalfEnd) && process.shared)
    (*process.shared)->stash.holds.store(0, std::memory_order_relaxed);
  EventFeed::protect(process, pages);
}

void QuestionAnswers::give_way_as_asked(Process& asking, const ring::Request& question) {
  Process* const process = question.address == 0 ? &asking : processes_.find(static_cast<uint32_t>(question.address));
  if (process != nullptr) give_way(*process, static_cast<ring::GiveWay>(question.argument));
}

/// A process gives way once. A reason that is not known is none: the guest may have written anything.
void QuestionAnswers::give_way(Process& process, ring::GiveWay why) {
  if (process.gives_way || !CaptureNotes::knows(why)) return;
  process.gives_way = true;
  notes_.note_gave_way(process.comm, why);
  if (process.tracker == TrackerKind::kPagemap) return;
  if (process.reports_frees()) faults_.serve(process);
  windows_.close_stalled(process, 0);
  filler_.poll_from_now_on(process);
  process.memory->open();  // now, while it is certainly the memory of this program
  scanner_.scan(process, true);
}

}  // namespace oomcast::record
