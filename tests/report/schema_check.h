// Checks a report against its JSON Schema, with Debian's python3-jsonschema.
#pragma once

#include <oomcast_paths.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace oomcast {

/// One line per violation, or why nothing could be checked; empty if the document is valid.
inline std::string schema_violations(const std::string& document) {
  std::string path = std::filesystem::temp_directory_path() / "oomcast-schema.XXXXXX";
  const int file = ::mkstemp(path.data());
  if (file < 0) return "no temporary file";
  ::close(file);
  std::ofstream(path) << document;
  const std::string folder = OOMCAST_SOURCE_DIR;
  const std::string command = "/usr/bin/python3 " + folder + "/tests/report/schema_violations.py " + folder +
                              "/report/schema/oomcast.report.v1.json " + path + " 2>&1";
  std::string lines;
  if (FILE* output = ::popen(command.c_str(), "r")) {
    char buffer[4096];
    while (const size_t got = std::fread(buffer, 1, sizeof buffer, output)) lines.append(buffer, got);
    if (::pclose(output) != 0) lines += "\nthe schema's checker failed";
  } else {
    lines = "no shell";
  }
  std::filesystem::remove(path);
  return lines;
}

}  // namespace oomcast
