// Keeps which files a process has mapped, for their data or to execute them, and which of their pages it was seen to use.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "preload/record/kernel/proc_maps.h"

namespace oomcast::record {

struct FileMapping {
  uint64_t start = 0, end = 0;
  uint64_t object = 0;   // file number, as in file events
  uint64_t offset = 0;   // of `start` in the file
  bool writable = false;  // shared and writable: what is used counts as written
  bool shared = false;
  bool executable = false;
  bool program = false;   // code or constants of a program or library
  std::vector<bool> seen;  // by page: it has been told
};

/// By start address. Small: a program maps few files for their data.
using FileMappings = std::map<uint64_t, FileMapping>;

/// The mappings among `maps` that give a file's data: large, of a regular file that this process does not execute from,
/// and not copied by writes (a private writable mapping makes anonymous memory, which is tracked as such).
std::vector<Vma> data_file_mappings(const std::vector<Vma>& maps);

/// The mappings among `maps` that hold code and constants of the program and its libraries, as far as nothing but this run
/// brings them into the target's memory: without our own library, the C library and what else every host runs all the time.
std::vector<Vma> program_mappings(const std::vector<Vma>& maps);

/// At which instruction a thread that waits in the kernel was stopped, by the text of /proc/PID/task/TID/syscall; 0: it does not say.
uint64_t stopped_at(const std::string& text);

}  // namespace oomcast::record
