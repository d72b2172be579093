// Performs the steps of a script, one page access or one block at a time. See memload_process.h.
#include <algorithm>

#include "tests/ground_truth/memload_process.h"

namespace oomcast::ground_truth {

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
      return walk_pages(step, region);
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
      if (region.is_heap || region.bytes == 0) return false;
      if (cursor_ == 0) send(EventKind::kLock, region.start, page_up(region.bytes), trace::kLocked);
      return fault_in(region);
    case StepKind::kUnlock:
      if (!region.is_heap && region.bytes > 0) send(EventKind::kLock, region.start, page_up(region.bytes), 0);
      return false;
    case StepKind::kLockAll:
      return lock_all();
    case StepKind::kDense:
      return false;
    case StepKind::kPunch:
      punch(step, region);
      return false;
    case StepKind::kHuge:
      return advise_huge(region, trace::kHugePages);
    case StepKind::kNoHuge:
      return advise_huge(region, 0);
    case StepKind::kCollapse:
      return advise_huge(region, trace::kCollapse);
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

bool Player::Process::walk_pages(const Step& step, const Region& region) {
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

bool Player::Process::advise_huge(const Region& region, uint8_t flags) {
  if (!region.is_heap && region.bytes > 0) send(EventKind::kAdviseHuge, region.start, region.bytes, flags);
  return false;
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

}  // namespace oomcast::ground_truth
