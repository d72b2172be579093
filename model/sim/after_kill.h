// Counts what a process that the model has killed would have gone on to hold. The program runs on here, where nobody
// killed it, and its later events say. Nothing is allocated for it: its pages and page tables are only counted.
#pragma once

#include <bitset>
#include <cstdint>
#include <map>

#include "model/host/host.h"
#include "model/trace/event.h"

namespace oomcast::sim {

class AfterKill {
 public:
  /// The process is a victim now, and still holds what it had. What it shares with others by copy-on-write is theirs.
  void begin(const host::Host& host, host::ProcessIndex index);
  bool follows(host::ProcessIndex index) const { return processes_.contains(index); }
  /// An event of a process that is followed.
  void handle(const trace::Event& event, host::ProcessIndex index);
  /// Of all that are followed: anonymous pages, swapped out ones among them, and page-table pages.
  int64_t pages() const { return pages_; }
  int64_t tables() const;
  /// Pages and page tables of those that have not begun to exit: the host counts them, too.
  struct Held {
    int64_t pages = 0, tables = 0;
  };
  Held counted_twice(const host::Host& host) const;

 private:
  static constexpr uint64_t kLeafPages = 512;
  struct Followed {
    std::map<uint64_t, std::bitset<kLeafPages>> leaves;  // by page number / 512
    int64_t pages_at_kill = 0, tables_at_kill = 0, leaves_at_kill = 0;
  };
  void add(Followed& process, uint64_t first, uint64_t last);
  void remove(Followed& process, uint64_t first, uint64_t last);
  void move(Followed& process, uint64_t from, uint64_t to, uint64_t count);

  std::map<host::ProcessIndex, Followed> processes_;
  int64_t pages_ = 0;
};

}  // namespace oomcast::sim
