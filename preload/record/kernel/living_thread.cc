// Finds a thread that still has the process's address space; see living_thread.h.
#include "preload/record/kernel/living_thread.h"

#include <string>

#include "preload/record/kernel/proc_file.h"
#include "preload/record/kernel/proc_maps.h"

namespace oomcast::record {

uint32_t living_thread(uint32_t pid) {
  const std::string tasks = proc_of(pid) + "task/";
  for (const uint32_t tid : numbers_in_directory(tasks))
    if (resident_of(read_line_of(tasks + std::to_string(tid) + "/statm")).size_pages != 0) return tid;
  return 0;
}

}  // namespace oomcast::record
