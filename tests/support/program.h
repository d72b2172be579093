// Writes the events of a test's program, page by page, into a simulation.
//
//   sim::Simulation s(HostBuilder().node(64_MiB).build(), {});
//   Program p(s, 100);
//   p.map(0, 20000); p.touch(0, 20000); p.exit();
//
// Pages are counted from a base address of the program's own. Each access is fed as a kTouch, repeated ones too: the
// model treats them like references.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "model/sim/simulation.h"
#include "model/trace/comm.h"
#include "model/trace/event.h"
#include "model/trace/mount_path.h"

namespace oomcast::support {

class Program {
 public:
  static constexpr uint64_t kBase = uint64_t{0x7f} << 40;

  /// Starts the process.
  Program(trace::EventSink& sink, uint32_t pid, const std::string& comm = "app", uint32_t parent = 0)
      : Program(sink, pid, pid) {
    feed(trace::EventKind::kProcessStart, parent, 0);
    const auto [first, second] = trace::comm_words(comm);
    feed(trace::EventKind::kComm, first, second);
  }
  /// Another thread of a process that runs already.
  static Program thread(trace::EventSink& sink, uint32_t pid, uint32_t tid) { return Program(sink, pid, tid); }

  /// CPU time that passes before each event from now on.
  Program& pace(Nanoseconds compute) {
    compute_ = compute;
    return *this;
  }
  /// Pages that one event of touch() or read() covers; 1 unless set.
  Program& window(uint64_t pages) {
    window_ = pages;
    return *this;
  }
  uint32_t pid() const { return pid_; }
  /// Whether this is the first thread of its process.
  bool leads() const { return pid_ == tid_; }

  /// The program computes for that long, then does nothing but be there.
  void compute(Nanoseconds time) {
    trace::Event event = make(trace::EventKind::kClock, 0, 0);
    event.compute_ns = static_cast<uint64_t>(time.count());
    sink_->feed(event);
  }
  void sleep(Nanoseconds time) {
    trace::Event event = make(trace::EventKind::kClock, 0, 0);
    event.wait_ns = static_cast<uint64_t>(time.count());
    sink_->feed(event);
  }

  void map(uint64_t first, uint64_t pages, uint8_t flags = trace::kPrivate | trace::kAnonymous | trace::kWritable) {
    feed(trace::EventKind::kMap, address(first), pages << kPageShift, flags);
  }
  void protect(uint64_t first, uint64_t pages, bool writable) {
    feed(trace::EventKind::kProtect, address(first), pages << kPageShift,
         writable ? uint8_t{trace::kWritable} : uint8_t{0});
  }
  void unmap(uint64_t first, uint64_t pages) { feed(trace::EventKind::kUnmap, address(first), pages << kPageShift); }
  void give_back(uint64_t first, uint64_t pages) {
    feed(trace::EventKind::kAdviseDontneed, address(first), pages << kPageShift);
  }
  void free_lazily(uint64_t first, uint64_t pages) {
    feed(trace::EventKind::kAdviseFree, address(first), pages << kPageShift);
  }
  void move(uint64_t from, uint64_t to, uint64_t pages) {
    trace::Event event = make(trace::EventKind::kRemap, address(from), pages << kPageShift);
    event.argument = address(to);
    sink_->feed(event);
  }
  void touch(uint64_t first, uint64_t pages, uint32_t stack = 0) { use(first, pages, trace::kWrite, stack); }
  void read(uint64_t first, uint64_t pages) { use(first, pages, 0, 0); }
  // Files are numbered by the test; 16 pages a call, as a C library's buffers would.
  void read_file(uint64_t file, uint64_t first, uint64_t pages) {
    use_file(trace::EventKind::kFileRead, file, first, pages);
  }
  void write_file(uint64_t file, uint64_t first, uint64_t pages) {
    use_file(trace::EventKind::kFileWrite, file, first, pages);
  }
  void sync_file(uint64_t file) { feed(trace::EventKind::kFileSync, file, 0); }
  void map_file(uint64_t first, uint64_t pages, uint64_t file, uint8_t flags, uint8_t file_flags = 0) {
    map(first, pages, flags);
    feed(trace::EventKind::kMapFile, address(first), file, file_flags);
  }
  /// The file is tmpfs's, a memfd or the like.
  void file_in_memory(uint64_t file, uint8_t flags = 0) { feed(trace::EventKind::kFileInMemory, file, 0, flags); }
  /// A mount of tmpfs, and a file on it.
  void mount(uint64_t number, std::string_view path) {
    for (; !path.empty(); path.remove_prefix(std::min(path.size(), trace::kMountPiece))) {
      const auto [first, second] = trace::mount_words(path);
      trace::Event event = make(trace::EventKind::kMount, first, second);
      event.argument = number;
      sink_->feed(event);
    }
  }
  void file_on_mount(uint64_t file, uint64_t mount) {
    trace::Event event = make(trace::EventKind::kFileInMemory, file, 0);
    event.argument = mount;
    sink_->feed(event);
  }
  void truncate_file(uint64_t file, uint64_t pages) {
    trace::Event event = make(trace::EventKind::kFileTruncate, file, 0);
    event.argument = pages << kPageShift;
    sink_->feed(event);
  }
  void punch_file(uint64_t file, uint64_t first, uint64_t pages) {
    trace::Event event = make(trace::EventKind::kFilePunch, file, pages << kPageShift);
    event.argument = first << kPageShift;
    sink_->feed(event);
  }
  Program fork(uint32_t child) {
    feed(trace::EventKind::kFork, child, 0);
    return Program(*sink_, child, child);
  }
  void set_policy(trace::PolicyMode mode, uint64_t nodes) {
    feed(trace::EventKind::kSetPolicy, nodes, 0, static_cast<uint8_t>(mode));
  }
  void bind(uint64_t first, uint64_t pages, trace::PolicyMode mode, uint64_t nodes) {
    trace::Event event =
        make(trace::EventKind::kBindRange, address(first), pages << kPageShift, static_cast<uint8_t>(mode));
    event.argument = nodes;
    sink_->feed(event);
  }
  void advise_huge(uint64_t first, uint64_t pages, bool wanted) {
    feed(trace::EventKind::kAdviseHuge, address(first), pages << kPageShift,
         wanted ? uint8_t{trace::kHugePages} : uint8_t{0});
  }
  void lock(uint64_t first, uint64_t pages, bool on_fault = false) {
    feed(trace::EventKind::kLock, address(first), pages << kPageShift,
         static_cast<uint8_t>(trace::kLocked | (on_fault ? trace::kLockOnFault : 0)));
  }
  void unlock(uint64_t first, uint64_t pages) { feed(trace::EventKind::kLock, address(first), pages << kPageShift); }
  void lock_all(bool current, bool future, bool on_fault = false) {
    feed(trace::EventKind::kLockAll, 0, 0,
         static_cast<uint8_t>((current ? trace::kLockCurrent : 0) | (future ? trace::kLockFuture : 0) |
                              (on_fault ? trace::kLockOnFault : 0)));
  }
  void disable_huge(bool disabled) { feed(trace::EventKind::kThpDisable, disabled ? 1 : 0, 0); }
  void run_on(uint64_t cpus) { feed(trace::EventKind::kAffinity, cpus, 0); }
  void limit(uint64_t resource, uint64_t bytes) {
    trace::Event event = make(trace::EventKind::kLimit, resource, 0);
    event.argument = bytes;
    sink_->feed(event);
  }
  void exec() { feed(trace::EventKind::kExec, 0, 0); }
  void oom_score_adj(int64_t value) { feed(trace::EventKind::kOomScoreAdj, static_cast<uint64_t>(value), 0); }
  void lose(uint64_t events) { feed(trace::EventKind::kLost, 0, events); }
  void exit(uint64_t status = 0) { feed(trace::EventKind::kExit, status, 0); }

  static uint64_t address(uint64_t page) { return kBase + (page << kPageShift); }

 private:
  Program(trace::EventSink& sink, uint32_t pid, uint32_t tid) : sink_(&sink), pid_(pid), tid_(tid) {}

  trace::Event make(trace::EventKind kind, uint64_t where, uint64_t bytes, uint8_t flags = 0) const {
    trace::Event event;
    event.pid = pid_;
    event.tid = tid_;
    event.kind = kind;
    event.flags = flags;
    event.address = where;
    event.bytes = bytes;
    event.compute_ns = static_cast<uint64_t>(compute_.count());
    return event;
  }
  void feed(trace::EventKind kind, uint64_t where, uint64_t bytes, uint8_t flags = 0) {
    sink_->feed(make(kind, where, bytes, flags));
  }
  void use(uint64_t first, uint64_t pages, uint8_t flags, uint32_t stack) {
    for (uint64_t page = first; page < first + pages; page += window_) {
      const uint64_t count = std::min(window_, first + pages - page);
      trace::Event event = make(trace::EventKind::kTouch, address(page), count << kPageShift, flags);
      event.stack_id = stack;
      sink_->feed(event);
    }
  }

  void use_file(trace::EventKind kind, uint64_t file, uint64_t first, uint64_t pages) {
    for (uint64_t at = 0; at < pages; at += 16) {
      trace::Event event = make(kind, file, std::min<uint64_t>(16, pages - at) << kPageShift);
      event.argument = (first + at) << kPageShift;
      sink_->feed(event);
    }
  }

  trace::EventSink* sink_;
  uint32_t pid_, tid_;
  uint64_t window_ = 1;
  Nanoseconds compute_;
};

}  // namespace oomcast::support
