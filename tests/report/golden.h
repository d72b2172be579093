// Compares a text with the golden file that a person has approved. UPDATE_GOLDENS=1 rewrites; then read `git diff`.
#pragma once

#include <gtest/gtest.h>
#include <oomcast_paths.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

namespace oomcast {

inline void expect_golden(const std::string& text, const std::string& name) {
  std::string path = std::string(OOMCAST_SOURCE_DIR) + "/tests/report/goldens/" + name;
  if (std::getenv("UPDATE_GOLDENS")) {
    std::ofstream(path) << text;
    return;
  }
  std::ifstream file(path);
  std::stringstream golden;
  golden << file.rdbuf();
  EXPECT_EQ(golden.str(), text) << "differs from " << path << "; if that is meant: UPDATE_GOLDENS=1 and git diff";
}

}  // namespace oomcast
