// Renumbers the events of one of several recordings. See stream_numbers.h.
#include "model/trace/stream_numbers.h"

namespace oomcast::trace {
namespace {

/// splitmix64: one to one for each stream, and no two streams give a file the same number but by a chance of 2^-64.
uint64_t mixed(uint64_t number, uint64_t stream) {
  uint64_t z = number + stream * 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

/// Which field of the event names a file; nullptr: none does.
uint64_t* file_field(Event& event) {
  switch (event.kind) {
    case EventKind::kMapFile:
      return &event.bytes;
    case EventKind::kFileRead:
    case EventKind::kFileWrite:
    case EventKind::kFileSync:
    case EventKind::kFileTruncate:
    case EventKind::kFilePunch:
    case EventKind::kFileInMemory:
      return &event.address;
    default:
      return nullptr;
  }
}

}  // namespace

uint64_t StreamNumbers::file(uint64_t recorded) const {
  return stream_ == 0 || !files_in_memory_.contains(recorded) ? recorded : mixed(recorded, stream_);
}

bool StreamNumbers::apply(Event& event) {
  const bool names_child = event.kind == EventKind::kFork;
  const bool names_parent = event.kind == EventKind::kProcessStart && event.address != 0;
  if (event.pid >= kPidMost || event.tid >= kPidMost || ((names_child || names_parent) && event.address >= kPidMost))
    return false;
  event.pid = pid(event.pid);
  event.tid = pid(event.tid);
  if (names_child || names_parent) event.address = pid(static_cast<uint32_t>(event.address));
  if (event.stack_id != 0) {
    const auto [at, is_new] = stack_numbers_.try_emplace(event.stack_id, 0);
    if (is_new) at->second = stacks_.add(stream_, event.stack_id);
    event.stack_id = at->second;
  }
  if (stream_ != 0 && event.argument != 0 &&
      (event.kind == EventKind::kMount || event.kind == EventKind::kFileInMemory))
    event.argument = mixed(event.argument, stream_);
  if (event.kind == EventKind::kFileInMemory) files_in_memory_.insert(event.address);
  if (uint64_t* const number = file_field(event)) *number = file(*number);
  return true;
}

}  // namespace oomcast::trace
