// Answers: replies to hellos, and to the questions of the library in a guest.
#pragma once

#include <cstdint>
#include <string>

#include "preload/record/process_life.h"
#include "preload/record/rooms.h"
#include "preload/record/server/event_loop.h"
#include "preload/record/server/hello_server.h"
#include "preload/record/server/question_server.h"

namespace oomcast::record {

class Answers {
 public:
  Answers(Rooms& rooms, ProcessLife& life, EventLoop& loop, HelloServer& hellos, const QuestionServer& mail)
      : rooms_(rooms), life_(life), loop_(loop), hellos_(hellos), questions_(mail) {}

  void take_hello(Hello hello);
  /// Carries out a question of the library. True: the target would have refused the memory, and --on-refuse enomem
  /// refuses it too.
  bool is_refused(Process& process, const ring::Request& request);

 private:
  Process& known_process(uint32_t pid, const ring::Request& request);
  void start_tracking(Process& process, FaultDescriptors descriptors, const ring::Request& hello);
  void take_stash_helper(const Hello& hello);
  void bring_back_before_fork(Process& process);
  bool share_area(Process& process, UniqueFd* out);
  bool descends_from_guest(uint32_t pid);
  void give_way(Process& process, ring::GiveWay why);
  bool note_gives_way(Process& process, ring::GiveWay why);
  bool is_traced_by_guest(const Process& process);

  Rooms& rooms_;
  ProcessLife& life_;
  EventLoop& loop_;
  HelloServer& hellos_;
  const QuestionServer& questions_;
};

}  // namespace oomcast::record
