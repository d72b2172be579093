// StashRestore: brings all pages back once the recorder has closed the helper's socket or died. Part of the helper of
// the stash, whose rules (stash_helper.cc) hold here too.
#pragma once

#include <linux/userfaultfd.h>

#include <cstdint>

#include "preload/inject/stash_pages.h"
#include "preload/ring/stash.h"

namespace oomcast::inject {

/// An unread event holds its thread and prevents moves (EAGAIN), so the events of the program's userfaultfds are read
/// here. Threads that wait for pages that were never out go on when the helper ends, which closes the userfaultfds.
class StashRestore {
 public:
  StashRestore(ring::StashRoom& room, const ProgramChannels& program, StashPages& pages)
      : room_(room), program_(program), pages_(pages) {}

  /// Returns when all pages are back, or the program has ended.
  void run();

 private:
  bool program_lives() const;
  void handle_journal();
  void handle_event(const uffd_msg& event);
  void read_messages(int tries);
  void wake_all() const;
  void leave_to_kernel(uint64_t page, bool at_last);
  bool stash_has(uint64_t home);

  ring::StashRoom& room_;
  const ProgramChannels& program_;
  StashPages& pages_;
  int pagemap_ = -1;
};

}  // namespace oomcast::inject
