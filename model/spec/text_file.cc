// Reads a whole text file. See text_file.h.
#include "model/spec/text_file.h"

#include <fstream>

namespace oomcast::host {

Result<std::string> read_text_file(const std::string& path, size_t bytes_max, const char* what) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return Error{path + ": cannot be opened; check the name and its permissions"};
  std::string text;
  char buffer[65536];
  while (in.read(buffer, sizeof buffer) || in.gcount() > 0) {
    text.append(buffer, static_cast<size_t>(in.gcount()));
    if (text.size() > bytes_max) {
      return Error{path + ": larger than " + std::to_string(bytes_max >> 20) + " MiB; is it " + what + "?"};
    }
  }
  if (in.bad()) return Error{path + ": cannot be read; is it a file?"};
  return text;
}

}  // namespace oomcast::host
