// Debug information that was split off a program is found, and only that of the same build.
#include "preload/record/stacks/debug_file.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "preload/record/stacks/symbolizer.h"

namespace oomcast::record {
namespace {

namespace fs = std::filesystem;

class DebugFile : public testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/oomcast-debug-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern), nullptr);
    directory = pattern;
    std::ofstream(directory / "program.c")
        << "int marked(int x) { return x + 1; }\nint main(void) { return marked(1); }\n";
    if (!did("cc -g -O0 -Wl,--build-id -o program program.c") ||
        !did("objcopy --only-keep-debug program program.debug"))
      GTEST_SKIP() << "no compiler here";
    ASSERT_TRUE(did("nm program | awk '$3 == \"marked\" {print $1}' > address"));
    std::ifstream(directory / "address") >> std::hex >> address;
    ASSERT_TRUE(did("objcopy --strip-all --add-gnu-debuglink=program.debug program"));
  }
  void TearDown() override { fs::remove_all(directory); }

  bool did(const std::string& command) const {
    return std::system(("cd " + directory.string() + " && " + command + " 2> /dev/null").c_str()) == 0;
  }

  /// The name that a return address in marked() gets. The linker puts text at the address at which it lies in the file.
  std::string name() const {
    Symbolizer symbolizer;
    symbolizer.want((directory / "program").string(), address + 5);
    symbolizer.finish();
    return symbolizer.names((directory / "program").string(), address + 5).back();
  }

  fs::path directory;
  uint64_t address = 0;
};

TEST_F(DebugFile, BesideTheProgramAndInAFolderBesideIt) {
  EXPECT_EQ(name(), "marked at program.c:1");
  fs::create_directory(directory / ".debug");
  fs::rename(directory / "program.debug", directory / ".debug/program.debug");
  EXPECT_EQ(name(), "marked at program.c:1");
}

TEST_F(DebugFile, OfAnotherBuildIsNotTaken) {
  ASSERT_TRUE(
      did("sed -i 's/x + 1/x + 2/' program.c && cc -g -O0 -Wl,--build-id -o other program.c && objcopy "
          "--only-keep-debug other program.debug"));
  EXPECT_TRUE(name().starts_with("program+0x")) << name();
}

TEST_F(DebugFile, ThatIsGoneLeavesTheModuleAndOffset) {
  fs::remove(directory / "program.debug");
  EXPECT_TRUE(name().starts_with("program+0x")) << name();
}

}  // namespace
}  // namespace oomcast::record
