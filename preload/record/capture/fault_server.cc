// FaultServer: reads the userfaultfds of a process, and handles the events of freed memory before the faults.
#include "preload/record/capture/fault_server.h"

#include <algorithm>
#include <array>
#include <utility>

namespace oomcast::record {

namespace {

constexpr size_t kAtOnce = ring::kStashEvents / 2;  // of each userfaultfd

/// Where events lie until they have been handled. If the recorder dies before, the helper of the stash reads them here
/// (ring/stash.h). Empty: the process has no helper.
std::span<uffd_msg> journal_of(Process& process) {
  if (process.stash.helper == nullptr || !process.shared) return {};
  return (*process.shared)->stash.events;
}

}  // namespace

/// Reads both userfaultfds, into the journal first. `of_all` gets the number of messages that are not the heap's; they
/// come first.
size_t FaultServer::read(Process& process, std::span<uffd_msg> messages, size_t* of_all) {
  const std::span<uffd_msg> journal = journal_of(process);
  const std::span<uffd_msg> into = journal.empty() ? messages : journal;
  *of_all = process.fault_fd.read(into.first(kAtOnce));
  const size_t count = *of_all + (process.heap_fd.valid() ? process.heap_fd.read(into.subspan(*of_all, kAtOnce)) : 0);
  if (!journal.empty()) std::copy_n(journal.begin(), count, messages.begin());
  return count;
}

/// Handles the message if it is an event. False: the message is a fault.
bool FaultServer::take_event(Process& process, const uffd_msg& message) {
  switch (message.event) {
    case UFFD_EVENT_UNMAP:
      mappings_.unmap(process, message.arg.remove.start, message.arg.remove.end);
      // Without hooks nobody reports what was mapped in its place.
      if (!process.shared) mappings_.learn_unknown(process, message.arg.remove.start, message.arg.remove.end);
      break;
    case UFFD_EVENT_REMOVE:
      reader_.drain(process);  // MADV_FREE may be reported there
      mappings_.remove(process, message.arg.remove.start, message.arg.remove.end);
      break;
    case UFFD_EVENT_REMAP:
      mappings_.remap(process, message.arg.remap.from, message.arg.remap.to, message.arg.remap.len);
      filler_.take_back(process, message.arg.remap.to, message.arg.remap.to + message.arg.remap.len);
      break;
    case UFFD_EVENT_FORK: {
      // Closing it unregisters the child's memory.
      const UniqueFd child(static_cast<int>(message.arg.fork.ufd));
      stash_.give_to_child(process, child.get());
      break;
    }
    default:
      return false;
  }
  return true;
}

void FaultServer::serve(Process& process) {
  std::array<uffd_msg, ring::kStashEvents> messages;
  // Bounded, so that one busy process does not starve the others.
  for (int round = 0; round < 16 && process.fault_fd.valid(); ++round) {
    size_t of_all = 0;
    const size_t count = read(process, messages, &of_all);
    if (count == 0) break;
    ++count_.fault_reads;
    process.scans.active = true;
    // Notes that the callers left before the calls that these messages report.
    reader_.drain(process);
    // Events first: while one is unread the kernel answers faults with EAGAIN, and after the read its caller goes on.
    bool event_read = false;
    for (size_t i = 0; i < count; ++i) {
      if (!take_event(process, messages[i])) continue;
      event_read = true;
      if (const std::span<uffd_msg> journal = journal_of(process); !journal.empty()) journal[i].event = 0;
    }
    if (event_read) reader_.drain(process);  // notes of the callers that went on when their events were read
    if (process.held.waits()) filler_.try_again(process, event_read);
    for (size_t i = 0; i < count && process.fault_fd.valid(); ++i)
      if (messages[i].event == UFFD_EVENT_PAGEFAULT) {
        filler_.take_fault(process, messages[i], i >= of_all);
        served_(process.pid, messages[i].arg.pagefault.feat.ptid);
      }
    feed_.arm_watches();
  }
  if (process.held.waits()) filler_.try_again(process, false);
  // With the library, hooks sample before memory is freed as well, so samples may be rarer.
  if (process.resident.touched_since_sample >= (process.shared ? 512u : 64u)) meter_.sample_resident(process);
}

}  // namespace oomcast::record
