// QuestionAnswers: carries out the questions of the library in a guest, one at a time, before the guest goes on.
#pragma once

#include "preload/record/capture/fault_server.h"
#include "preload/record/capture/memory_questions.h"
#include "preload/record/guest/process_table.h"
#include "preload/record/record_options.h"
#include "preload/ring/protocol.h"

namespace oomcast::record {

class QuestionAnswers {
 public:
  QuestionAnswers(const RecordOptions& options, ProcessTable& processes, EventFeed& feed, NoteReader& reader,
                  FaultServer& faults, Windows& windows, WindowFiller& filler, Scanner& scanner, Stash& stash,
                  MemoryQuestions& memory, CaptureNotes& notes, Statistics& count)
      : options_(options),
        processes_(processes),
        feed_(feed),
        reader_(reader),
        faults_(faults),
        windows_(windows),
        filler_(filler),
        scanner_(scanner),
        stash_(stash),
        memory_(memory),
        notes_(notes),
        count_(count) {}

  /// Carries out the question. kRefused: the target would have refused the memory, and --on-refuse enomem refuses it
  /// too. Else kTracked: the guest goes on.
  ring::ReplyStatus answer(Process& process, const ring::Request& question);

 private:
  void catch_up(Process& process, const ring::Request& question);
  void carry_out(Process& process, const ring::Request& question, bool was_scanned);

  void take_exit(Process& process, int status, bool was_scanned);
  void take_file_note(Process& process, bool scan_shared);
  void bring_back_before_fork(Process& process);
  void give_way_as_asked(Process& asking, const ring::Request& question);
  void give_way(Process& process, ring::GiveWay why);

  const RecordOptions& options_;
  ProcessTable& processes_;
  EventFeed& feed_;
  NoteReader& reader_;
  FaultServer& faults_;
  Windows& windows_;
  WindowFiller& filler_;
  Scanner& scanner_;
  Stash& stash_;
  MemoryQuestions& memory_;
  CaptureNotes& notes_;
  Statistics& count_;
};

}  // namespace oomcast::record
