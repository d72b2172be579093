// Reads a file whole, for tests and benches.
#pragma once

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace oomcast::end_to_end {

/// Empty where there is no such file.
inline std::string content(const std::filesystem::path& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

}  // namespace oomcast::end_to_end
