// A thread of a process that still has the process's memory: see living_thread.h.
#include "preload/record/living_thread.h"

#include <dirent.h>

#include <cstdlib>
#include <string>

#include "preload/record/proc_maps.h"

namespace oomcast::record {

uint32_t living_thread(uint32_t pid) {
  const std::string tasks = "/proc/" + std::to_string(pid) + "/task/";
  DIR* const directory = ::opendir(tasks.c_str());
  if (directory == nullptr) return 0;
  uint32_t found = 0;
  while (found == 0) {
    const dirent* const entry = ::readdir(directory);
    if (entry == nullptr) break;
    const auto tid = static_cast<uint32_t>(std::strtoul(entry->d_name, nullptr, 10));
    if (tid != 0 && resident_of(read_line_of(tasks + entry->d_name + "/statm")).size_pages != 0) found = tid;
  }
  ::closedir(directory);
  return found;
}

}  // namespace oomcast::record
