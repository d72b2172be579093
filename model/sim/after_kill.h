// Counts what a process that the model has killed would have gone on to hold. The recorded program was not killed and
// runs on; its later events tell. Nothing is allocated for it: its pages and page tables are only counted.
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
  /// Limit of what is counted, for all followed processes together: 1 TiB. No recording machine held that much, but a
  /// damaged trace may claim it.
  static constexpr int64_t kPagesMax = int64_t{1} << 28;

  AfterKill(const host::Host& host, const FileTable& files) : host_(host), file_table_(files) {}

  /// The process is a victim now, and still holds its memory. Pages that it shares by copy-on-write count for the
  /// others.
  void begin(host::ProcessIndex index);
  bool follows(host::ProcessIndex index) const { return processes_.contains(index); }
  /// Applies an event of a followed process. REQUIRES: follows(index).
  void handle(const trace::Event& event, host::ProcessIndex index);
  /// Pages of all followed processes: anonymous ones (swapped out or not), and pages of files in memory that the host
  /// does not hold. No page cache.
  int64_t pages() const { return pages_; }
  /// Page-table pages of all followed processes.
  int64_t tables() const { return tables_; }
  struct Held {
    int64_t pages = 0, tables = 0;
  };
  /// The part of pages() and tables() that the host still holds of its victims and counts, too. Never too small: pages
  /// that a victim shares by copy-on-write count as its own while the host frees the victim.
  Held counted_twice();

 private:
  using Leaf = std::bitset<kLeafPages>;
  using Leaves = std::map<uint64_t, Leaf>;  // by page number / 512
  struct Followed {
    Leaves leaves;
    host::AddressSpace shared;  // its shared mappings of files, nothing else
    Held at_kill;
    std::set<host::FileIndex> own_files;  // files without a name whose pages are in at_kill
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
  // pages of files that victims wrote and the host does not hold, by page index
  std::map<host::FileIndex, Leaves> written_;
  std::vector<host::ProcessIndex> not_freed_;  // followed processes of which the host still holds memory
  int64_t pages_ = 0, tables_ = 0;             // sums over all followed processes
};

}  // namespace oomcast::sim
