// Packs events into few bytes. See event_codec.h; the grammar is in README.md.
#include "model/trace/event_codec.h"

namespace oomcast::trace {
namespace {

constexpr uint64_t kPageMask = kWatchPageBytes - 1;
// Threads within one block. A bound for the reader's memory: what a task remembers is a kilobyte.
constexpr size_t kMostTasks = size_t{1} << 15;
constexpr size_t kBlockBytes = size_t{256} << 10;
constexpr uint64_t kMostWatchBytes = uint64_t{1} << 32;

/// A range that nobody could have written: it would keep a reader busy for ever.
bool makes_sense(const Event& event, bool is_watch) {
  if (is_watch)
    return event.bytes <= kMostWatchBytes && ((event.address | event.bytes) & kPageMask) == 0 &&
           event.address + event.bytes >= event.address;
  if (event.kind != EventKind::kTouch && event.kind != EventKind::kReference) return true;
  return event.address + event.bytes >= event.address;
}

enum class KindClass : uint8_t { kUnknown, kRange, kFile };

/// kRange: the next one often begins where this one ends. kFile: the next one is often about the same file, further on.
/// All kinds are named, so that the compiler speaks up when one is added: a trace must not lose it.
KindClass class_of(uint8_t kind) {
  switch (static_cast<EventKind>(kind)) {
    case EventKind::kFileRead:
    case EventKind::kFileWrite:
    case EventKind::kFileSync:
    case EventKind::kFileTruncate:
    case EventKind::kFilePunch:
      return KindClass::kFile;
    case EventKind::kProcessStart:
    case EventKind::kComm:
    case EventKind::kExec:
    case EventKind::kFork:
    case EventKind::kExit:
    case EventKind::kThreadExit:
    case EventKind::kMap:
    case EventKind::kMapFile:
    case EventKind::kUnmap:
    case EventKind::kProtect:
    case EventKind::kAdviseDontneed:
    case EventKind::kAdviseFree:
    case EventKind::kRemap:
    case EventKind::kTouch:
    case EventKind::kReference:
    case EventKind::kOomScoreAdj:
    case EventKind::kAlloc:
    case EventKind::kFree:
    case EventKind::kSetPolicy:
    case EventKind::kBindRange:
    case EventKind::kHomeNode:
    case EventKind::kAffinity:
    case EventKind::kAdviseHuge:
    case EventKind::kThpDisable:
    case EventKind::kLimit:
    case EventKind::kFileInMemory:
    case EventKind::kLock:
    case EventKind::kLockAll:
    case EventKind::kMount:
    case EventKind::kClock:
    case EventKind::kLost:
      return KindClass::kRange;
  }
  return KindClass::kUnknown;
}

/// Whole pages are the rule: their distance costs a byte or two less. The low bit tells which unit it is.
uint64_t code_distance(uint64_t distance) {
  if ((distance & kPageMask) != 0) return zigzag(distance) << 1 | 1;  // may lose the top bit: see code_address()
  const uint64_t pages = (distance >> 12) | (distance >> 63 ? ~(~uint64_t{0} >> 12) : 0);
  return zigzag(pages) << 1;
}

uint64_t decode_distance(uint64_t coded) {
  const uint64_t distance = unzigzag(coded >> 1);
  return coded & 1 ? distance : distance << 12;
}

}  // namespace

void CodecState::reset() {
  tasks_.assign(1, Task{});
  task_ = 0;
  kinds_ = {};
  time_units_ = 0;
}

void CodecState::learn(const Event& event) {
  const auto kind = static_cast<uint8_t>(event.kind);
  const bool file = class_of(kind) == KindClass::kFile;
  task().next_address[kind] = event.address + (file ? 0 : event.bytes);
  task().next_argument[kind] = event.argument + (file ? event.bytes : 0);
  task().cpu = event.cpu;
  kinds_[kind].bytes = event.bytes;
  kinds_[kind].flags = event.flags;
  time_units_ = event.time_ns / kTraceTimeUnitNs;
}

void EventEncoder::put_task(const Event& event) {
  const auto [at, added] = task_of_.try_emplace({event.pid, event.tid}, tasks_.size());
  task_ = at->second;
  put_varint(columns_[kTasks], task_);
  if (!added) return;
  put_varint(columns_[kTasks], event.pid);
  put_varint(columns_[kTasks], event.tid);
  tasks_.push_back({event.pid, event.tid, 0, {}, {}});
}

void EventEncoder::put(const Event& event, uint8_t kind) {
  ++records_;
  uint8_t head = kind;
  if (event.pid != task().pid || event.tid != task().tid) {
    head |= kOtherTask;
    put_task(event);
  }
  uint8_t mask = 0;
  const auto field = [&](Mask bit, bool differs, Column column, uint64_t value) {
    if (!differs) return;
    mask = static_cast<uint8_t>(mask | bit);
    put_varint(columns_[column], value);
  };
  const uint64_t units = event.time_ns / kTraceTimeUnitNs;
  field(kHasTime, units != time_units_, kTimes, zigzag(units - time_units_));
  field(kHasCompute, event.compute_ns != 0, kComputes, event.compute_ns);
  field(kHasWait, event.wait_ns != 0, kWaits, event.wait_ns);
  field(kHasBytes, event.bytes != kinds_[kind].bytes, kBytes, event.bytes);
  field(kHasArgument, event.argument != task().next_argument[kind], kArguments,
        zigzag(event.argument - task().next_argument[kind]));
  field(kHasStack, event.stack_id != 0, kStacks, event.stack_id);
  field(kHasCpu, event.cpu != task().cpu, kCpus, event.cpu);
  field(kHasFlags, event.flags != kinds_[kind].flags, kFlags, event.flags);
  const uint64_t distance = event.address - task().next_address[kind];
  const uint64_t coded = code_distance(distance);
  // Names and odd pointers use all 64 bits, one more than a distance in bytes has room for: an escape and the value.
  if (decode_distance(coded) == distance && coded != 1) {
    put_varint(columns_[kAddresses], coded);
  } else {
    put_varint(columns_[kAddresses], 1);
    put_varint(columns_[kAddresses], event.address);
  }
  if (mask != kinds_[kind].mask) head |= kNewMask;
  columns_[kHeads].push_back(static_cast<char>(head));
  if (head & kNewMask) columns_[kHeads].push_back(static_cast<char>(mask));
  kinds_[kind].mask = mask;
  learn(event);
}

void EventEncoder::flush_watch() {
  if (watch_.bytes == 0) return;
  put(watch_, kWatchKind);
  watch_.bytes = 0;
}

void EventEncoder::add(const Event& event) {
  flush_watch();
  put(event, static_cast<uint8_t>(event.kind));
}

void EventEncoder::add_watch(const WatchRequest& watch) {
  const uint64_t page = watch.address & ~kPageMask;
  if (watch_.bytes != 0 && watch_.pid == watch.pid && watch_.address + watch_.bytes == page &&
      watch_.bytes < kMostWatchBytes) {
    watch_.bytes += kWatchPageBytes;
    return;
  }
  flush_watch();
  watch_ = {};
  watch_.kind = static_cast<EventKind>(kWatchKind);
  watch_.time_ns = time_units_ * kTraceTimeUnitNs;
  watch_.pid = watch_.tid = watch.pid;
  watch_.address = page;
  watch_.bytes = kWatchPageBytes;
}

bool EventEncoder::full() const { return bytes() >= kBlockBytes || tasks_.size() >= kMostTasks / 2; }

size_t EventEncoder::bytes() const {
  size_t sum = 0;
  for (const std::string& column : columns_) sum += column.size();
  return sum;
}

std::string EventEncoder::take() {
  flush_watch();
  std::string payload;
  payload.reserve(bytes() + 64);
  put_varint(payload, records_);
  for (const std::string& column : columns_) put_varint(payload, column.size());
  for (std::string& column : columns_) {
    payload += column;
    column.clear();
  }
  task_of_.clear();
  records_ = 0;
  reset();
  return payload;
}

bool EventDecoder::open(std::string_view payload) {
  reset();
  ByteCursor cursor(payload);
  std::array<uint64_t, kColumns> sizes{};
  if (!cursor.varint(left_)) return false;
  for (uint64_t& size : sizes)
    if (!cursor.varint(size)) return false;
  for (size_t i = 0; i < kColumns; ++i) {
    std::string_view column;
    if (!cursor.bytes(sizes[i], column)) return false;
    columns_[i] = ByteCursor(column);
  }
  return cursor.at_end();
}

bool EventDecoder::read_task() {
  uint64_t index = 0, pid = 0, tid = 0;
  if (!columns_[kTasks].varint(index) || index > tasks_.size()) return false;
  if (index == tasks_.size()) {
    if (!columns_[kTasks].varint(pid) || !columns_[kTasks].varint(tid)) return false;
    if (pid > UINT32_MAX || tid > UINT32_MAX || tasks_.size() >= kMostTasks) return false;
    tasks_.push_back({static_cast<uint32_t>(pid), static_cast<uint32_t>(tid), 0, {}, {}});
  }
  task_ = static_cast<size_t>(index);
  return true;
}

bool EventDecoder::read(Record& out) {
  uint8_t head = 0;
  if (!columns_[kHeads].byte(head)) return false;
  const uint8_t kind = head & (kKinds - 1);
  if ((class_of(kind) == KindClass::kUnknown && kind != kWatchKind)) return false;
  if ((head & kNewMask) != 0 && !columns_[kHeads].byte(kinds_[kind].mask)) return false;
  if ((head & kOtherTask) != 0 && !read_task()) return false;
  const uint8_t mask = kinds_[kind].mask;
  const auto field = [&](Mask bit, Column column, uint64_t otherwise, uint64_t most, uint64_t& value) {
    value = otherwise;
    return (mask & bit) == 0 || (columns_[column].varint(value) && value <= most);
  };
  uint64_t time = 0, argument = 0, stack = 0, cpu = 0, flags = 0, distance = 0;
  Event event;
  if (!field(kHasTime, kTimes, 0, UINT64_MAX, time) ||
      !field(kHasCompute, kComputes, 0, UINT64_MAX, event.compute_ns) ||
      !field(kHasWait, kWaits, 0, UINT64_MAX, event.wait_ns) ||
      !field(kHasBytes, kBytes, kinds_[kind].bytes, UINT64_MAX, event.bytes) ||
      !field(kHasArgument, kArguments, 0, UINT64_MAX, argument) || !field(kHasStack, kStacks, 0, UINT32_MAX, stack) ||
      !field(kHasCpu, kCpus, task().cpu, UINT16_MAX, cpu) ||
      !field(kHasFlags, kFlags, kinds_[kind].flags, UINT8_MAX, flags) || !columns_[kAddresses].varint(distance))
    return false;
  event.address = task().next_address[kind] + decode_distance(distance);
  if (distance == 1 && !columns_[kAddresses].varint(event.address)) return false;
  event.time_ns = (time_units_ + unzigzag(time)) * kTraceTimeUnitNs;
  event.argument = task().next_argument[kind] + unzigzag(argument);
  event.pid = task().pid;
  event.tid = task().tid;
  event.stack_id = static_cast<uint32_t>(stack);
  event.cpu = static_cast<uint16_t>(cpu);
  event.kind = static_cast<EventKind>(kind);
  event.flags = static_cast<uint8_t>(flags);
  learn(event);
  out.event = event;
  out.is_watch = kind == kWatchKind;
  return makes_sense(event, out.is_watch);
}

EventDecoder::Step EventDecoder::next(Record& out) {
  if (left_ == 0) {
    for (const ByteCursor& column : columns_)
      if (!column.at_end()) return Step::kMalformed;
    return Step::kEnd;
  }
  --left_;
  return read(out) ? Step::kRecord : Step::kMalformed;
}

}  // namespace oomcast::trace
