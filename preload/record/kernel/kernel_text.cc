// Parses "name number" lines and lists directories of numbers. See kernel_text.h.
#include "preload/record/kernel/kernel_text.h"

#include <dirent.h>

#include <cstdlib>

namespace oomcast::record {

uint64_t number_behind(std::string_view text, std::string_view name, int base) {
  for (size_t at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1))
    if (at == 0 || text[at - 1] == '\n') {
      constexpr size_t kDigitsMax = 32;
      return std::strtoull(std::string(text.substr(at + name.size(), kDigitsMax)).c_str(), nullptr, base);
    }
  return 0;
}

std::vector<uint32_t> numbers_in_directory(const std::string& path) {
  std::vector<uint32_t> numbers;
  DIR* const directory = ::opendir(path.c_str());
  if (directory == nullptr) return numbers;
  while (const dirent* const entry = ::readdir(directory)) {
    char* end = nullptr;
    const unsigned long number = std::strtoul(entry->d_name, &end, 10);
    if (end != entry->d_name && *end == '\0') numbers.push_back(static_cast<uint32_t>(number));
  }
  ::closedir(directory);
  return numbers;
}

}  // namespace oomcast::record
