// ProgramText: finds code pages that a program has just used. See program_text.h.
#include "preload/record/capture/program_text.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>

#include "preload/record/kernel/pages.h"
#include "preload/record/kernel/proc_file.h"

namespace oomcast::record {

uint64_t stopped_at(const std::string& text) {
  // In a fault: "-1 0xSP 0xPC". In a system call: its number and arguments, then SP and PC. Else "running".
  const size_t before = text.rfind(" 0x");
  return before == std::string::npos ? 0 : std::strtoull(text.c_str() + before, nullptr, 16);
}

void ProgramText::report_use(Process& process, Task& task) {
  if (!task.stopped_at)
    task.stopped_at =
        UniqueFd(::open((proc_of_thread(process.pid, task.tid) + "syscall").c_str(), O_RDONLY | O_CLOEXEC));
  char text[256];
  const ssize_t length = ::pread(task.stopped_at.get(), text, sizeof text, 0);
  const uint64_t page = page_down(length > 0 ? stopped_at(std::string(text, static_cast<size_t>(length))) : 0);
  if (process.files.watched_text.erase(page) == 0) return;
  trace::Event event = feed_.stamp(process, &task, trace::EventKind::kReference);
  event.address = page;
  event.bytes = kPage;
  feed_.feed(event);
  ++count_.code_references;
}

}  // namespace oomcast::record
