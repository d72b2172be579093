// Counts what a process that the model has killed would have gone on to hold. The program runs on here, where nobody
// killed it, and its later events say. Nothing is allocated for it: its pages and page tables are only counted.
#pragma once

#include <bitset>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "model/host/host.h"
#include "model/sim/file_table.h"
#include "model/trace/event.h"

namespace oomcast::sim {

class AfterKill {
 public:
  static constexpr uint64_t kLeafPages = 512;
  /// More is not counted, of all that are followed together: 1 TiB. No recording machine held that much, a damaged
  /// trace may claim it.
  static constexpr int64_t kPagesMax = int64_t{1} << 28;

  AfterKill(const host::Host& host, const FileTable& files) : host_(host), file_table_(files) {}

  /// The process is a victim now, and still holds what it had. What it shares with others by copy-on-write is theirs.
  void begin(host::ProcessIndex index);
  bool follows(host::ProcessIndex index) const { return processes_.contains(index); }
  /// An event of a process that is followed.
  void handle(const trace::Event& event, host::ProcessIndex index);
  /// Of all that are followed: anonymous pages, swapped out ones among them, and page-table pages. Pages of files
  /// in memory are among them where the host does not hold them; page cache is not.
  int64_t pages() const { return pages_; }
  int64_t tables() const { return tables_; }
  struct Held {
    int64_t pages = 0, tables = 0;
  };
  /// Of them, what the host still holds of its victims, and counts too. Never too little: what a victim shares with
  /// others by copy-on-write passes for its own while the host frees it.
  Held counted_twice();

 private:
  using Leaf = std::bitset<kLeafPages>;
  using Leaves = std::map<uint64_t, Leaf>;  // by page number / 512
  struct Followed {
    Leaves leaves;
    host::AddressSpace shared;  // nothing but its shared mappings of files
    Held at_kill;
    std::set<host::FileIndex> own_files;  // those without a name whose pages are in at_kill
    int64_t tables_beside_leaves = 0;
    int64_t tables() const { return leaves.empty() ? 0 : tables_beside_leaves + static_cast<int64_t>(leaves.size()); }
  };
  void apply(Followed& process, const trace::Event& event);
  void share(Followed& process, uint64_t start, host::AddressSpace::Mapping mapping, host::FileIndex file);
  void hold_shared(Followed& process, host::ProcessIndex index);
  static Leaves pages_of(const host::File& file);
  void touch(Followed& process, const trace::Event& event, uint64_t first, uint64_t last);
  void map(Followed& process, const trace::Event& event);
  void map_file(Followed& process, const trace::Event& event);
  void remap_shared(Followed& process, const trace::Event& event);
  void leave_out_held(Leaves& leaves, const host::File& file, uint64_t begin, uint64_t end, uint64_t at);
  void write_file(const Followed& process, const trace::Event& event);
  void drop_written(const trace::Event& event, uint64_t end);
  void add(Leaves& leaves, uint64_t first, uint64_t last);
  bool add_leaf(Leaves& leaves, uint64_t number, const Leaf& pages);
  static Leaves cut(Leaves& leaves, uint64_t first, uint64_t last);
  Leaves take(Leaves& leaves, uint64_t first, uint64_t last);
  void put(Leaves& leaves, const Leaves& pages, uint64_t from, uint64_t to);
  void remove(Leaves& leaves, uint64_t first, uint64_t last);
  void move(Leaves& leaves, uint64_t from, uint64_t to, uint64_t count);

  const host::Host& host_;
  const FileTable& file_table_;
  std::map<host::ProcessIndex, Followed> processes_;
  std::map<host::FileIndex, Leaves> written_;  // by victims, by page of the file; not held by the host
  std::vector<host::ProcessIndex> not_freed_;  // of processes_: the host has not freed all of their memory
  int64_t pages_ = 0, tables_ = 0;             // sums over all of them
};

}  // namespace oomcast::sim
