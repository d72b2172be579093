// Plays a script into the events of memload, exactly, without running anything.
//
// Every page access is an event, in order: the first of a page is a kTouch, the later ones are kReference, whether or
// not the model has asked for the next use of that page. This is what a perfect capture would deliver, so what the
// model gets wrong on these events is the model's own error. Program text that comes from a disk is a file like others,
// read in the order in which a static memload starts; the page with its loops is used all the time. Not played: address
// randomisation, and a mapping that the target refuses.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "model/trace/event.h"
#include "tests/ground_truth/memload_script.h"

namespace oomcast::ground_truth {

/// What a page access costs on the target; the model charges for faults and file operations itself.
struct Timing {
  int64_t page_touch_ps = 0;    // an access to a page that is there
  int64_t page_fault_ns = 800;  // only to interleave several processes
};

class Player {
 public:
  using Feed = std::function<void(const trace::Event&)>;
  /// Virtual nanoseconds since the start, for steps that read the clock (`rate`). May be empty: then the player's
  /// own clock is used, which knows no stalls.
  using Now = std::function<int64_t()>;
  /// A file that is there before the script begins. A file's id is its place here, from 1; those the script writes
  /// follow.
  using File = std::pair<std::string, uint64_t>;  // path, bytes

  /// `text_on_disk`: the program is read from a disk when it starts, and again where the kernel has dropped it.
  Player(const Script& script, Timing timing, Feed feed, Now now = {}, std::vector<File> files = {},
         bool text_on_disk = false);
  ~Player();
  Player(const Player&) = delete;
  Player& operator=(const Player&) = delete;

  /// Feeds the next access or step of the process whose turn it is. False once all processes have ended.
  bool advance();
  /// The modelled kernel asks for the next use of this page. Only text needs that: all other uses are fed anyway.
  void watch(uint32_t pid, uint64_t address);
  /// The modelled kernel has killed this process: it does nothing more.
  void kill(uint32_t pid);
  uint64_t events() const { return events_; }

  static constexpr uint32_t kRootPid = 30000;  // above the pids of a host that has just booted

 private:
  class Process;
  void emit(trace::Event event);
  Process* next_process();

  Timing timing_;
  Feed feed_;
  Now now_;
  uint64_t events_ = 0;
  uint32_t last_pid_ = kRootPid;
  std::vector<std::unique_ptr<Process>> processes_;
  std::vector<File> files_;
  uint64_t text_file_ = 0;  // 0: text that never leaves memory
  friend class Process;
};

/// All events of a script at once, for tests.
std::vector<trace::Event> play(const Script& script, Timing timing);

}  // namespace oomcast::ground_truth
