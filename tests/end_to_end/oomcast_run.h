// Runs the built `oomcast` as a user does, and keeps what it said: status, stdout, stderr, report.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

namespace oomcast::end_to_end {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

inline std::string content(const fs::path& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

struct Finished {
  int status = -1;  // as a shell sees it
  std::string out, err;
};

/// A test in a directory of its own. Commands go through `sh -c` with $OOMCAST set.
class EndToEnd : public testing::Test {
 protected:
  EndToEnd() {
    char name[] = "/tmp/oomcast-e2e.XXXXXX";
    directory_ = ::mkdtemp(name);
    fs::permissions(directory_, fs::perms::all);  // the unprivileged runs write here too
    std::ofstream(at("host.json")) << host_json();
  }
  ~EndToEnd() override { fs::remove_all(directory_); }

  fs::path at(const std::string& name) const { return directory_ / name; }

  Finished sh(const std::string& command) const {
    std::string line = "cd " + directory_.string() + " && export OOMCAST=" + OOMCAST_BINARY_DIR + "/report/oomcast && " + command;
    std::ofstream(at("command.sh")) << line << "\n";
    int raw = std::system(("timeout 120 sh " + at("command.sh").string() + " >" + at("out").string() + " 2>" + at("err").string()).c_str());
    return {WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw), content(at("out")), content(at("err"))};
  }
  Json report(const std::string& name = "oomcast.report.json") const {
    std::string text = content(at(name));
    EXPECT_FALSE(text.empty()) << "no report " << name << "; stderr: " << content(at("err"));
    return text.empty() ? Json::object() : Json::parse(text);
  }
  bool nothing_written() const { return !fs::exists(at("oomcast.report.json")) && fs::is_empty_but_for_ours(directory_); }

  /// A preset, so that a test does not depend on the machine it runs on.
  static std::string host_json();

  fs::path directory_;
};

}  // namespace oomcast::end_to_end
