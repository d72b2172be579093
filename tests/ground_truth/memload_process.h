// Plays one process of a memload. Each call performs one page access, one block or one step.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <unordered_map>
#include <vector>

#include "tests/ground_truth/glibc_heap.h"
#include "tests/ground_truth/memload_events.h"
#include "tests/ground_truth/memload_layout.h"

namespace oomcast::ground_truth {

using trace::Event;
using trace::EventKind;

class Player::Process {
 public:
  Process(Player& player, uint32_t pid, uint32_t parent, const std::vector<Step>& steps)
      : player_(player), pid_(pid), parent_(parent), steps_(&steps) {}
  Process(const Process& other, uint32_t pid, const std::vector<Step>& steps) : Process(other) {
    pid_ = pid;
    parent_ = other.pid_;
    steps_ = &steps;
    at_ = 0;
    locks_all_ = false;
    pending_compute_ps_ = pending_wait_ns_ = 0;
    loops_watched_ = player_.text_file_ != 0;  // a child maps text anew
    begin_step();
  }

  bool ended() const { return ended_; }
  bool waiting() const { return waiting_; }
  uint32_t pid() const { return pid_; }
  uint32_t parent() const { return parent_; }
  int64_t clock() const { return clock_ns_; }

  void start() {
    send(EventKind::kProcessStart, parent_, 0, 0);
    send(EventKind::kComm, 0x64616f6c6d656d /* "memload" */, 0, 0);
    if (player_.text_file_ != 0) start_text();
    const uint8_t anonymous = trace::kPrivate | trace::kAnonymous | trace::kWritable;
    send(EventKind::kMap, kImage, kImagePages * kPage + 2 * kFileBuffer, anonymous);
    send(EventKind::kMap, kStackTop - kStackBytes, kStackBytes, anonymous | trace::kStack | trace::kGrowsDown);
    for (uint64_t i = 0; i < kImagePages; ++i) access(kImage + i * kPage, true);
    for (uint64_t i = 1; i <= kStackTouched; ++i) access(kStackTop - i * kPage, true);
    allocate(1);  // main's strdup of its first step
    rate_since_ = now();
    begin_step();
  }

  void advance() {
    if (loops_watched_) use_loops();
    if (at_ >= steps_->size()) return exit(0, 0);
    if (perform((*steps_)[at_]) || ended_) return;
    ++at_;
    begin_step();
  }

  void watch(uint64_t address) { loops_watched_ |= address == kLoops; }

  void wake(int64_t at_ns) {
    waiting_ = false;
    if (at_ns > clock_ns_) sleep(at_ns - clock_ns_);
  }

  void exit(uint64_t status, uint8_t flags) {
    if (ended_) return;
    send(EventKind::kExit, status, 0, flags);
    ended_ = true;
  }

 private:
  Process(const Process&) = default;

  void start_text() {
    send(EventKind::kMap, kText, kTextPages * kPage, trace::kPrivate | trace::kExecutable);
    send(EventKind::kMapFile, kText, player_.text_file_, 0);
    // Starting up uses all of it: where a fault had to read, the next one nearby maps what has come.
    for (uint64_t page = kFaultAround / 2; page < kTextPages; page += kFaultAround) {
      send(EventKind::kTouch, kText + page * kPage, 2 * kPage, 0);
    }
    loops_watched_ = true;
  }

  // Whatever the program does next, it runs its loops for it.
  void use_loops() {
    loops_watched_ = false;
    send(EventKind::kReference, kLoops, kPage, 0);
  }

  void send(EventKind kind, uint64_t address, uint64_t bytes, uint8_t flags, uint64_t argument = 0) {
    Event event;
    event.kind = kind;
    event.flags = flags;
    event.address = address;
    event.bytes = bytes;
    event.argument = argument;
    event.pid = event.tid = pid_;
    event.time_ns = static_cast<uint64_t>(clock_ns_);
    event.compute_ns = static_cast<uint64_t>(pending_compute_ps_ / 1000);
    pending_compute_ps_ %= 1000;
    event.wait_ns = static_cast<uint64_t>(pending_wait_ns_);
    pending_wait_ns_ = 0;
    player_.emit(event);
  }

  void access(uint64_t address, bool write) {
    const uint64_t page = page_down(address);
    PageState& state = pages_[page];
    const bool resident = state == PageState::kPresent || (!write && state != PageState::kAbsent);
    const uint8_t flags = write ? uint8_t{trace::kWrite} : uint8_t{0};
    if (resident) {
      pending_compute_ps_ += player_.timing_.page_touch_ps;
      clock_ns_ += pending_compute_ps_ / 1000;
      send(EventKind::kReference, page, kPage, flags);
      return;
    }
    state = write ? PageState::kPresent : PageState::kZeroPage;
    clock_ns_ += player_.timing_.page_fault_ns;
    send(EventKind::kTouch, page, kPage, flags);
  }

  void touch_range(uint64_t from, uint64_t to) {
    for (uint64_t page = page_down(from); page < to; page += kPage) access(page, true);
  }

  uint64_t map(uint64_t bytes) {
    mmap_next_ -= page_up(bytes);
    send(EventKind::kMap, mmap_next_, page_up(bytes), trace::kPrivate | trace::kAnonymous | trace::kWritable);
    return mmap_next_;
  }

  // As the recorder reports shared anonymous memory: a file in memory without a name.
  uint64_t map_shared(uint64_t bytes) {
    mmap_next_ -= page_up(bytes);
    player_.files_.emplace_back("", page_up(bytes));
    const uint64_t file = player_.files_.size();
    send(EventKind::kMap, mmap_next_, page_up(bytes), trace::kAnonymous | trace::kWritable);
    send(EventKind::kFileInMemory, file, 0, 0);
    send(EventKind::kMapFile, mmap_next_, file, 0);
    send(EventKind::kFileInMemory, file, 0, trace::kNameless);
    return mmap_next_;
  }

  void forget(uint64_t start, uint64_t bytes) {
    for (uint64_t page = start; page < start + bytes; page += kPage) pages_.erase(page);
  }

  void unmap(uint64_t start, uint64_t bytes) {
    if (bytes == 0) return;
    forget(start, page_up(bytes));
    send(EventKind::kUnmap, start, page_up(bytes), 0);
  }

  uint64_t allocate(uint64_t bytes) {
    std::vector<HeapCall> calls;
    const uint64_t candidate = mmap_next_ - GlibcHeap::mapping_bytes(bytes);
    const uint64_t pointer = heap_.allocate(bytes, candidate, calls);
    for (const HeapCall& call : calls) {
      if (call.address == candidate) mmap_next_ = candidate;
      send(EventKind::kMap, call.address, call.bytes, trace::kPrivate | trace::kAnonymous | trace::kWritable);
    }
    access(pointer - 8, true);  // the size field of the chunk's header
    return pointer;
  }

  void release(uint64_t pointer) {
    std::vector<HeapCall> calls;
    heap_.release(pointer, calls);
    for (const HeapCall& call : calls) unmap(call.address, call.bytes);
  }

  void sleep(int64_t nanoseconds) {
    pending_wait_ns_ += nanoseconds;
    clock_ns_ += nanoseconds;
  }

  int64_t now() const { return player_.now_ ? player_.now_() : clock_ns_; }

  void pace(uint64_t bytes) {
    if (rate_ <= 0) return;
    moved_ += static_cast<double>(bytes);
    if (static_cast<uint64_t>(moved_) >> 16 == static_cast<uint64_t>(moved_ - static_cast<double>(bytes)) >> 16) return;
    const int64_t due = static_cast<int64_t>(moved_ / rate_ * 1e9) - (now() + pending_wait_ns_ - rate_since_);
    if (due > kShortestSleepNs) sleep(due);
  }

  uint64_t page_address(const Region& region, uint64_t page) const {
    if (!region.is_heap) return region.start + page * kPage;
    const uint64_t offset = page * kPage;
    const uint64_t block = std::min<uint64_t>(offset / region.chunk, region.blocks.size() - 1);
    return region.blocks[block] + offset % region.chunk;
  }

  /// Nothing is mapped there, or a modulo by zero pages: the real program would die of a signal.
  void die(int signal) { exit(static_cast<uint64_t>(signal), trace::kExitBySignal); }

  void begin_step() {
    cursor_ = 0;
    pass_ = 0;
    offset_ = 0;
    random_.reset();
  }

  // True while the step has more to do.
  bool perform(const Step& step);
  bool heap_block(const Step& step, Region& region);
  bool walk_pages(const Step& step, const Region& region);
  bool random_write(const Step& step, const Region& region);
  bool file_step(const Step& step);
  bool map_step(uint64_t file, uint64_t bytes);
  bool file_sync(const Step& step);
  bool fault_in(const Region& region);
  bool lock_all();
  void punch(const Step& step, const Region& region);
  void free_region(Region& region);
  bool advise_huge(const Region& region, uint8_t flags);
  void fork(const Step& step);

  Player& player_;
  uint32_t pid_, parent_;
  const std::vector<Step>* steps_;
  size_t at_ = 0;
  bool ended_ = false, waiting_ = false;
  int64_t clock_ns_ = 0, pending_compute_ps_ = 0, pending_wait_ns_ = 0;
  uint64_t mmap_next_ = kMmapTop, file_mapping_ = 0;
  GlibcHeap heap_{kBrkStart};
  std::unordered_map<uint64_t, PageState> pages_;
  std::array<Region, 32> regions_;
  double rate_ = 0, moved_ = 0;
  int64_t rate_since_ = 0;
  bool loops_watched_ = false;
  bool locks_all_ = false;
  // Where the current step stands.
  uint64_t cursor_ = 0, offset_ = 0;
  int64_t pass_ = 0;
  std::optional<MemloadRandom> random_;
};

}  // namespace oomcast::ground_truth
