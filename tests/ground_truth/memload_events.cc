// One small state machine per process: each call performs one page access, one block or one step.
#include "tests/ground_truth/memload_events.h"

#include <algorithm>
#include <array>
#include <optional>
#include <unordered_map>

#include "tests/ground_truth/glibc_heap.h"
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

  // As the recorder tells of shared anonymous memory: a file in memory without a name.
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
  bool sweep(const Step& step, const Region& region);
  bool random_write(const Step& step, const Region& region);
  bool file_step(const Step& step);
  bool map_step(uint64_t file, uint64_t bytes);
  bool file_sync(const Step& step);
  bool fault_in(const Region& region);
  bool lock_all();
  void punch(const Step& step, const Region& region);
  void free_region(Region& region);
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

bool Player::Process::perform(const Step& step) {
  Region& region = regions_[static_cast<size_t>(step.region)];
  switch (step.kind) {
    case StepKind::kAnon:
      if (cursor_ == 0) {
        region = Region{};
        region.bytes = step.size;
        region.start = map(step.size);
      }
      return locks_all_ && fault_in(region);
    case StepKind::kShared:
      region = Region{};
      region.bytes = step.size;
      region.start = map_shared(step.size);
      region.file = player_.files_.size();
      return false;
    case StepKind::kHeap:
      return heap_block(step, region);
    case StepKind::kWrite:
    case StepKind::kRead:
    case StepKind::kLoop:
      return sweep(step, region);
    case StepKind::kRandom:
    case StepKind::kZipf:
      return random_write(step, region);
    case StepKind::kFree:
      free_region(region);
      return false;
    case StepKind::kDontneed:
      if (!region.is_heap && region.bytes > 0) {
        forget(region.start, page_up(region.bytes));
        send(EventKind::kAdviseDontneed, region.start, page_up(region.bytes), 0);
      }
      return false;
    case StepKind::kLock:
      if (cursor_ == 0) send(EventKind::kLock, region.start, page_up(region.bytes), trace::kLocked);
      return fault_in(region);
    case StepKind::kUnlock:
      send(EventKind::kLock, region.start, page_up(region.bytes), 0);
      return false;
    case StepKind::kLockAll:
      return lock_all();
    case StepKind::kPunch:
      punch(step, region);
      return false;
    case StepKind::kHuge:
    case StepKind::kNoHuge: {
      const uint8_t wanted = step.kind == StepKind::kHuge ? uint8_t{trace::kHugePages} : uint8_t{0};
      if (!region.is_heap && region.bytes > 0) send(EventKind::kAdviseHuge, region.start, region.bytes, wanted);
      return false;
    }
    case StepKind::kFileWrite:
    case StepKind::kFileRead:
    case StepKind::kFileMap:
      return file_step(step);
    case StepKind::kFileSync:
      return file_sync(step);
    case StepKind::kSleep:
      sleep(step.number * 1'000'000);
      send(EventKind::kClock, 0, 0, 0);
      return false;
    case StepKind::kRate:
      rate_ = step.rate * 1048576;
      moved_ = 0;
      rate_since_ = now();
      return false;
    case StepKind::kAdj:
      send(EventKind::kOomScoreAdj, static_cast<uint64_t>(step.number), 0, 0);
      return false;
    case StepKind::kFork:
      fork(step);
      return false;
    case StepKind::kWait:
      waiting_ = true;
      return false;
  }
  return false;
}

// mm_populate() of a region: page by page, those that are absent.
bool Player::Process::fault_in(const Region& region) {
  const uint64_t pages = page_up(region.bytes) / kPage;
  while (cursor_ < pages) {
    const uint64_t page = region.start + cursor_++ * kPage;
    if (const auto known = pages_.find(page); known != pages_.end() && known->second == PageState::kPresent) continue;
    access(page, true);
    break;
  }
  return cursor_ < pages;
}

// What is mapped: regions one by one, and the stack as far as it has grown.
bool Player::Process::lock_all() {
  if (pass_ == 0) {
    send(EventKind::kLockAll, 0, 0, trace::kLockCurrent | trace::kLockFuture);
    locks_all_ = true;
    for (uint64_t page = kStackTop - kStackBytes; page < kStackTop; page += kPage) access(page, true);
    pass_ = 1;
  }
  const auto at = static_cast<size_t>(pass_ - 1);
  if (at >= regions_.size()) return false;
  if (regions_[at].is_heap || regions_[at].file != 0 || !fault_in(regions_[at])) {
    cursor_ = 0;
    ++pass_;
  }
  return true;
}

bool Player::Process::heap_block(const Step& step, Region& region) {
  const uint64_t count = step.size / step.chunk;
  if (cursor_ == 0) {
    region = Region{};
    region.bytes = step.size;
    region.chunk = step.chunk;
    region.is_heap = true;
    region.blocks.reserve(count);
    region.block_table = allocate(count * sizeof(uint64_t));
  }
  if (cursor_ >= count) return false;
  const uint64_t block = allocate(step.chunk);
  region.blocks.push_back(block);
  access(region.block_table + cursor_ * sizeof(uint64_t), true);
  touch_range(block, block + step.chunk);
  pace(step.chunk);
  return ++cursor_ < count;
}

bool Player::Process::sweep(const Step& step, const Region& region) {
  const uint64_t pages = region.bytes / kPage;
  uint64_t from = 0, to = pages;
  if (!step.whole) {
    from = static_cast<uint64_t>(static_cast<double>(pages) * step.from_percent / 100);
    to = static_cast<uint64_t>(static_cast<double>(pages) * step.to_percent / 100);
  }
  const int64_t passes = step.kind == StepKind::kLoop ? step.count : 1;
  if (from >= to || pass_ >= passes) return false;
  if (region.is_heap && region.blocks.empty()) return die(kSegv), false;
  access(page_address(region, from + cursor_), step.kind != StepKind::kRead);
  pace(kPage);
  if (++cursor_ < to - from) return true;
  cursor_ = 0;
  return ++pass_ < passes;
}

bool Player::Process::random_write(const Step& step, const Region& region) {
  if (step.count <= 0) return false;
  const uint64_t pages = region.bytes / kPage;
  if (pages == 0) return die(kFloatingPoint), false;
  if (region.is_heap && region.blocks.empty()) return die(kSegv), false;
  if (!random_) random_.emplace(step.seed);
  const uint64_t page = step.kind == StepKind::kZipf ? random_->zipf_page(pages) : random_->uniform_page(pages);
  access(page_address(region, page), true);
  pace(kPage);
  return static_cast<int64_t>(++cursor_) < step.count;
}

bool Player::Process::file_step(const Step& step) {
  auto& files = player_.files_;
  auto file = std::find_if(files.begin(), files.end(), [&](const auto& known) { return known.first == step.path; });
  if (file == files.end()) {
    if (step.kind != StepKind::kFileWrite) return false;  // open() fails and memload goes on
    files.emplace_back(step.path, 0);
    file = files.end() - 1;
  }
  const uint64_t id = static_cast<uint64_t>(file - files.begin()) + 1;
  const bool writes = step.kind == StepKind::kFileWrite;
  if (step.kind == StepKind::kFileMap) return map_step(id, file->second);
  if (offset_ == 0) {
    const uint64_t buffer = kImage + kImagePages * kPage + (writes ? 0 : kFileBuffer);
    touch_range(buffer, buffer + kFileBuffer);
  }
  const uint64_t size = writes ? step.size : file->second;
  if (offset_ >= size) return false;
  const uint64_t piece = std::min(kFileBuffer, size - offset_);
  send(writes ? EventKind::kFileWrite : EventKind::kFileRead, id, piece, 0, offset_);
  offset_ += piece;
  if (writes) file->second = offset_;
  pace(piece);
  return offset_ < size;
}

// One read of each page of a shared mapping, then munmap().
bool Player::Process::map_step(uint64_t file, uint64_t bytes) {
  if (bytes == 0) return false;
  if (offset_ == 0) {
    mmap_next_ -= page_up(bytes);
    file_mapping_ = mmap_next_;
    send(EventKind::kMap, file_mapping_, page_up(bytes), 0);
    send(EventKind::kMapFile, file_mapping_, file, 0, 0);
  }
  send(EventKind::kTouch, file_mapping_ + offset_, kPage, 0);
  clock_ns_ += player_.timing_.page_fault_ns;
  offset_ += kPage;
  pace(kPage);
  if (offset_ < bytes) return true;
  send(EventKind::kUnmap, file_mapping_, page_up(bytes), 0);
  return false;
}

bool Player::Process::file_sync(const Step& step) {
  const auto& files = player_.files_;
  const auto file =
      std::find_if(files.begin(), files.end(), [&](const auto& known) { return known.first == step.path; });
  if (file != files.end()) send(EventKind::kFileSync, static_cast<uint64_t>(file - files.begin()) + 1, 0, 0);
  return false;
}

void Player::Process::punch(const Step& step, const Region& region) {
  constexpr uint64_t kHuge = 512 * kPage;
  if (region.is_heap) return;
  for (uint64_t at = (region.start + kHuge - 1) / kHuge * kHuge; at + kHuge <= region.start + region.bytes;
       at += kHuge) {
    const uint64_t from = at + step.first_page * kPage, bytes = (step.last_page - step.first_page) * kPage;
    forget(from, bytes);
    send(EventKind::kAdviseDontneed, from, bytes, 0);
  }
}

void Player::Process::free_region(Region& region) {
  if (region.is_heap) {
    for (const uint64_t block : region.blocks) release(block);
    release(region.block_table);
  } else {
    unmap(region.start, region.bytes);
    if (region.file != 0) send(EventKind::kFileTruncate, region.file, 0, 0);  // nobody has it any more
  }
  region = Region{};
}

void Player::Process::fork(const Step& step) {
  for (auto& [page, state] : pages_) {
    if (state == PageState::kPresent) state = PageState::kShared;
  }
  const uint32_t child = ++player_.last_pid_;
  send(EventKind::kFork, child, 0, 0);
  player_.processes_.push_back(std::make_unique<Process>(*this, child, step.child));
}

Player::Player(const Script& script, Timing timing, Feed feed, Now now, std::vector<File> files, bool text_on_disk)
    : timing_(timing), feed_(std::move(feed)), now_(std::move(now)), files_(std::move(files)) {
  if (text_on_disk) {
    files_.emplace_back("/usr/bin/memload", kTextPages * kPage);
    text_file_ = files_.size();
  }
  processes_.push_back(std::make_unique<Process>(*this, kRootPid, 0u, script.steps));
  processes_.front()->start();
}

Player::~Player() = default;

void Player::emit(Event event) {
  ++events_;
  feed_(event);
}

// The one that is furthest behind on its own clock; a process that waits for its children has no turn.
Player::Process* Player::next_process() {
  Process* next = nullptr;
  for (const auto& process : processes_) {
    if (process->ended()) continue;
    if (process->waiting()) {
      int64_t last_exit = 0;
      const bool busy = std::any_of(processes_.begin(), processes_.end(), [&](const auto& other) {
        if (other->parent() != process->pid()) return false;
        last_exit = std::max(last_exit, other->clock());
        return !other->ended();
      });
      if (busy) continue;
      process->wake(last_exit);
    }
    if (!next || process->clock() < next->clock()) next = process.get();
  }
  return next;
}

bool Player::advance() {
  Process* process = next_process();
  if (!process) return false;
  process->advance();
  return true;
}

void Player::watch(uint32_t pid, uint64_t address) {
  for (const auto& process : processes_) {
    if (process->pid() == pid) process->watch(address);
  }
}

void Player::kill(uint32_t pid) {
  for (const auto& process : processes_) {
    if (process->pid() == pid) process->exit(kKilled, trace::kExitBySignal);
  }
}

std::vector<Event> play(const Script& script, Timing timing) {
  std::vector<Event> events;
  Player player(script, timing, [&](const Event& event) { events.push_back(event); });
  while (player.advance()) {
  }
  return events;
}

}  // namespace oomcast::ground_truth
