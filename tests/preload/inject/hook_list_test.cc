// Does the library export what it hooks, and nothing else?
#include "preload/inject/hook_list.h"

#include <oomcast_paths.h>

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

namespace {

std::string export_list() {
  std::ifstream file(std::string(OOMCAST_SOURCE_DIR) + "/preload/inject/liboomcast.map");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(HookList, EveryHookIsExported) {
  const std::string exported = export_list();
#define OOMCAST_EXPECT(result, name, parameters) EXPECT_NE(exported.find(" " #name ";"), std::string::npos) << #name;
  OOMCAST_HOOKS(OOMCAST_EXPECT)
#undef OOMCAST_EXPECT
  for (const char* name : {"mmap", "mmap64", "munmap", "mremap", "madvise", "mprotect", "mlock", "mlockall", "cfree", "_exit", "_Exit"})
    EXPECT_NE(exported.find(std::string(" ") + name + ";"), std::string::npos) << name;
}

TEST(HookList, TheLibraryLoadsAndHoldsItsHooks) {
  void* library = dlopen((std::string(OOMCAST_BINARY_DIR) + "/preload/liboomcast.so").c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
  EXPECT_EQ(library, nullptr) << "the tests themselves must not be guests";
  std::ifstream file(std::string(OOMCAST_BINARY_DIR) + "/preload/liboomcast.so", std::ios::binary);
  EXPECT_TRUE(file.good());
}

}  // namespace
