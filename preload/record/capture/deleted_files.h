// DeletedFiles: reports files on disks that are deleted. The kernel drops the cached pages of a file, written back or
// not, when its last name is gone and no descriptor and no mapping holds it (evict_inode()).
//
// The library notes that a last name was taken away. Whether a process of the program still holds the file is looked up
// in /proc: at once, and every now and then while one does.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <unordered_set>

#include "preload/record/capture/event_feed.h"
#include "preload/record/capture/shared_memory.h"
#include "preload/record/guest/process_table.h"
#include "preload/record/kernel/clocks.h"

namespace oomcast::record {

class DeletedFiles {
 public:
  DeletedFiles(ProcessTable& processes, EventFeed& feed, const SharedMemory& shared_memory, const Clocks& clocks)
      : processes_(processes), feed_(feed), shared_memory_(shared_memory), clocks_(clocks) {}

  /// Reads or writes of the file were reported to the sink. Of other files a deletion changes nothing.
  void note_use(uint64_t file) { used_.insert(file); }
  /// Takes a note for which ring::is_last_name_gone() is true.
  void take_note(Process& process, const trace::Event& note);
  /// A descriptor of the file with this number is used for the first time. A file system may give the inode number of
  /// a deleted file to a new one: the end of the deleted file is reported before the use of the new one.
  void before_first_use(Process& process, uint64_t file);
  /// Reports the files that nobody holds any more. Does nothing if the last check was too short a time ago.
  void settle_if_due(uint64_t now_ns);

 private:
  using Inodes = std::map<uint64_t, uint64_t>;  // by file number
  void settle(Process& process);
  std::set<uint64_t> open_without_name() const;
  bool is_mapped(uint64_t inode) const;

  ProcessTable& processes_;
  EventFeed& feed_;
  const SharedMemory& shared_memory_;
  const Clocks& clocks_;
  std::unordered_set<uint64_t> used_;
  Inodes nameless_;              // used files without a name, not reported yet
  bool has_news_ = false;        // a name was taken away since they were looked up
  uint64_t next_settle_ns_ = 0;  // for news
  uint64_t next_check_ns_ = 0;   // without news
};

}  // namespace oomcast::record
