// HelloAnswers: decides which guests are watched, and what each gets for an answer to its hello.
#pragma once

#include <cstdint>

#include "preload/record/capture/capture_notes.h"
#include "preload/record/capture/file_uses.h"
#include "preload/record/guest/process_table.h"
#include "preload/record/process_life.h"
#include "preload/record/record_options.h"
#include "preload/record/server/hello_server.h"
#include "preload/record/server/question_server.h"
#include "preload/record/tracking_start.h"

namespace oomcast::record {

class HelloAnswers {
 public:
  /// `tracker`: the best that a process may get.
  HelloAnswers(const RecordOptions& options, TrackerKind tracker, ProcessTable& processes, FileUses& files,
               CaptureNotes& notes, const Clocks& clocks, ProcessLife& life, TrackingStart& tracking,
               HelloServer& hellos, const QuestionServer& questions)
      : options_(options),
        tracker_(tracker),
        processes_(processes),
        files_(files),
        notes_(notes),
        clocks_(clocks),
        life_(life),
        tracking_(tracking),
        hellos_(hellos),
        questions_(questions) {}

  void take(Hello hello);

 private:
  bool is_watched(uint32_t pid, uint32_t user) const;
  bool descends_from_guest(uint32_t pid) const;
  bool send_device(const Hello& hello);
  UniqueFd share_area(Process& process) const;
  void scan_soon(Process& process);
  void take_stash_helper(const Hello& hello);
  static bool may_have_helper(const Process& process);

  const RecordOptions& options_;
  const TrackerKind tracker_;
  ProcessTable& processes_;
  FileUses& files_;
  CaptureNotes& notes_;
  const Clocks& clocks_;
  ProcessLife& life_;
  TrackingStart& tracking_;
  HelloServer& hellos_;
  const QuestionServer& questions_;
};

}  // namespace oomcast::record
