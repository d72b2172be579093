// Finds the separate debug file of a program or library. See debug_file.h.
#include "preload/record/stacks/debug_file.h"

#include <elfutils/libdwelf.h>
#include <fcntl.h>

#include <cstring>
#include <string>
#include <utility>

#include "preload/record/kernel/unique_fd.h"

namespace oomcast::record {
namespace {

bool has_build_id(int fd, const unsigned char* wanted, int wanted_bytes) {
  Elf* elf = elf_begin(fd, ELF_C_READ_MMAP, nullptr);
  const void* found = nullptr;
  const ssize_t bytes = elf == nullptr ? 0 : dwelf_elf_gnu_build_id(elf, &found);
  const bool same = bytes > 0 && bytes == wanted_bytes && std::memcmp(found, wanted, static_cast<size_t>(bytes)) == 0;
  elf_end(elf);
  return same;
}

}  // namespace

int find_debug_file(Dwfl_Module* module, void** user_data, const char* module_name, Dwarf_Addr base,
                    const char* file_name, const char* debug_link, GElf_Word debug_link_crc, char** found_name) {
  const int by_id = dwfl_build_id_find_debuginfo(module, user_data, module_name, base, file_name, debug_link,
                                                 debug_link_crc, found_name);
  if (by_id >= 0 || file_name == nullptr || debug_link == nullptr) return by_id;
  const unsigned char* id = nullptr;
  GElf_Addr id_address = 0;
  const int id_bytes = dwfl_module_build_id(module, &id, &id_address);
  const std::string path = file_name, folder = path.substr(0, path.rfind('/') + 1);
  if (id_bytes <= 0 || folder.empty()) return -1;
  for (const std::string& candidate :
       {folder + debug_link, folder + ".debug/" + debug_link, "/usr/lib/debug" + folder + debug_link}) {
    UniqueFd fd(candidate == path ? -1 : ::open(candidate.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd || !has_build_id(fd.get(), id, id_bytes)) continue;
    *found_name = ::strdup(candidate.c_str());
    return fd.release();
  }
  return -1;
}

}  // namespace oomcast::record
