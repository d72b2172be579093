// The program runs as it would alone whichever of the library's own system calls fails.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "tests/preload/record/recording_sink.h"

namespace oomcast::record {
namespace {

std::string content(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(FaultInjection, NoFailingCallOfTheLibraryReachesTheGuest) {
  char directory[] = "/tmp/oomcast-inject-XXXXXX";
  ASSERT_NE(::mkdtemp(directory), nullptr);
  const std::string out = std::string(directory) + "/out", witness = std::string(directory) + "/witness";
  const std::string shell = "exec " + guest("worker") + " > " + out;
  ASSERT_EQ(::system((guest("worker") + " > " + out).c_str()), 0);
  const std::string expected = content(out);
  ASSERT_FALSE(expected.empty());
  ::setenv("OOMCAST_FAIL_WITNESS", witness.c_str(), 1);
  int failed = 0;
  // Each of the first calls (loading, hello, the first questions), then with growing steps.
  for (int nth = 1; nth < 4000; nth = nth < 40 ? nth + 1 : nth * 3 / 2) {
    ::unlink(witness.c_str());
    ::setenv("OOMCAST_FAIL_NTH", std::to_string(nth).c_str(), 1);
    RecordingSink sink;
    RecordOptions options;
    options.command = {"/bin/sh", "-c", shell};
    options.library_path = std::string(OOMCAST_BINARY_DIR) + "/preload/liboomcast_preload_faulty.so";
    options.guard_percent = 0;
    const auto summary = run(options, sink);
    ASSERT_TRUE(summary.ok()) << summary.error().message;
    EXPECT_TRUE(summary->exited) << "call " << nth << ", signal " << summary->exit_signal;
    EXPECT_EQ(summary->exit_code, 0) << "call " << nth;
    EXPECT_EQ(content(out), expected) << "call " << nth;
    if (::access(witness.c_str(), F_OK) != 0) break;  // there are no so many calls
    ++failed;
  }
  ::unsetenv("OOMCAST_FAIL_NTH");
  ::unsetenv("OOMCAST_FAIL_WITNESS");
  EXPECT_GT(failed, 20) << "the library that can fail was not the one that ran";
  static_cast<void>(!::system((std::string("rm -r ") + directory).c_str()));
}

}  // namespace
}  // namespace oomcast::record
