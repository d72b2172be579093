// Runs the built `oomcast` as a user does, and keeps what it said: status, stdout, stderr, report.
#pragma once

#include <gtest/gtest.h>
#include <oomcast_paths.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>
#include <thread>

#include "tests/end_to_end/file_content.h"

namespace oomcast::end_to_end {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

/// The target of most tests: a preset, so that nothing depends on the machine that runs them. 1 GiB, no swap.
inline constexpr const char* kHost = "vm-1g";
/// Reads 300 MB into one fresh buffer: a real program whose footprint is known.
inline constexpr const char* kReads300M = "dd if=/dev/zero of=/dev/null bs=300M count=1 status=none";

struct Finished {
  int status = -1;  // as a shell sees it
  std::string out, err;
};

/// A test in a directory of its own. Commands are shell lines; $OOMCAST is the command, $LIBRARY what it preloads.
class EndToEnd : public testing::Test {
 protected:
  EndToEnd() {
    char name[] = "/tmp/oomcast-e2e.XXXXXX";
    directory_ = ::mkdtemp(name);
    fs::permissions(directory_, fs::perms::all);  // unprivileged runs write here too
  }
  ~EndToEnd() override {
    // A recorder that outlives the guest may still be writing its report there.
    std::error_code failed;
    for (int i = 0; i < 100; ++i) {
      fs::remove_all(directory_, failed);
      if (!failed) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }

  fs::path at(const std::string& name) const { return directory_ / name; }

  Finished sh(const std::string& line) const {
    std::ofstream(at("line.sh"))
        << "unset OOMCAST_HOST OOMCAST_REPORT OOMCAST_OPTIONS OOMCAST_LOG\n"
        << "PATH=/usr/bin:/bin:$PATH\n"  // programs, not a version manager's scripts that start them
        << "cd " << directory_.string() << "\n"
        << "OOMCAST=" OOMCAST_BINARY_DIR "/report/oomcast LIBRARY=" OOMCAST_BINARY_DIR "/preload/liboomcast.so\n"
        << line << "\n";
    int raw = std::system(
        ("timeout 120 sh " + at("line.sh").string() + " >" + at("out").string() + " 2>" + at("err").string()).c_str());
    return {WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw), content(at("out")), content(at("err"))};
  }
  /// `oomcast run --host kHost OPTIONS -- COMMAND`. Nothing is proven unless the options ask for it: that takes its
  /// time.
  Finished run(const std::string& command, const std::string& options = "") const {
    const std::string proofs = options.find("--prove") == std::string::npos ? "--prove 0 " : "";
    return sh("$OOMCAST run --host " + std::string(kHost) + " " + proofs + options + " -- " + command);
  }

  bool has_report(const std::string& name = "oomcast.report.json") const { return fs::exists(at(name)); }
  Json report(const std::string& name = "oomcast.report.json") const {
    std::string text = content(at(name));
    EXPECT_FALSE(text.empty()) << "no report " << name << "; stderr: " << content(at("err"));
    return text.empty() ? Json::object() : Json::parse(text);
  }
  /// No report, and no temporary file either.
  bool nothing_written() const {
    for (const auto& entry : fs::directory_iterator(directory_))
      if (entry.path().filename().string().find("report") != std::string::npos) return false;
    return true;
  }

  fs::path directory_;
};

inline long lines(const std::string& text) { return std::count(text.begin(), text.end(), '\n'); }

}  // namespace oomcast::end_to_end
