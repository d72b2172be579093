// FaultServer: reads the userfaultfds of a process, and takes frees before faults.
#include "preload/record/capture/fault_server.h"

#include <array>
#include <utility>

namespace oomcast::record {

void FaultServer::serve(Process& process) {
  constexpr size_t kAtOnce = 64;
  std::array<uffd_msg, 2 * kAtOnce> messages;
  // Bounded, so that one busy process does not starve the others.
  for (int round = 0; round < 16 && process.fault_fd.valid(); ++round) {
    const size_t of_all = process.fault_fd.read(std::span(messages).first(kAtOnce));
    const size_t count =
        of_all + (process.heap_fd.valid() ? process.heap_fd.read(std::span(messages).subspan(of_all, kAtOnce)) : 0);
    if (count == 0) break;
    ++count_.fault_reads;
    process.scans.active = true;
    // What the callers did before the calls that are reported here.
    reader_.drain(process);
    // Frees first: while one is unread the kernel answers EAGAIN, and their callers have moved on already.
    bool event_read = false;
    for (size_t i = 0; i < count; ++i) {
      const uffd_msg& message = messages[i];
      event_read |= message.event != UFFD_EVENT_PAGEFAULT;
      switch (message.event) {
        case UFFD_EVENT_UNMAP:
          mappings_.unmap(process, message.arg.remove.start, message.arg.remove.end);
          break;
        case UFFD_EVENT_REMOVE:
          reader_.drain(process);  // MADV_FREE may be reported there
          mappings_.remove(process, message.arg.remove.start, message.arg.remove.end);
          break;
        case UFFD_EVENT_REMAP:
          mappings_.remap(process, message.arg.remap.from, message.arg.remap.to, message.arg.remap.len);
          filler_.take_back(process, message.arg.remap.to, message.arg.remap.to + message.arg.remap.len);
          break;
        default:
          break;
      }
    }
    reader_.drain(process);
    filler_.try_again(process, event_read);
    for (size_t i = 0; i < count && process.fault_fd.valid(); ++i)
      if (messages[i].event == UFFD_EVENT_PAGEFAULT) {
        filler_.take_fault(process, messages[i], i >= of_all);
        served_(process.pid, messages[i].arg.pagefault.feat.ptid);
      }
    feed_.arm_watches();
  }
  filler_.try_again(process, false);
  if (process.resident.touched_since_sample >= 512) meter_.sample_resident(process);
}

}  // namespace oomcast::record
