// A report is written whole or not at all, and a bad place is found beforehand.
#include "report/report_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "report/command_line.h"
#include "report/console.h"

namespace oomcast::report {
namespace {

namespace fs = std::filesystem;

class ReportFileTest : public testing::Test {
 protected:
  ReportFileTest() {
    char name[] = "/tmp/oomcast-test.XXXXXX";
    directory_ = ::mkdtemp(name);
  }
  ~ReportFileTest() override { fs::remove_all(directory_); }
  std::string at(const std::string& name) const { return (directory_ / name).string(); }
  static std::string content(const std::string& path) {
    std::stringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
  long files() const { return std::distance(fs::directory_iterator(directory_), fs::directory_iterator()); }
  fs::path directory_;
};

TEST_F(ReportFileTest, PreparingLeavesNothingBehind) {
  ASSERT_TRUE(ReportFile::prepare(at("r.json")).ok());
  EXPECT_EQ(files(), 0);
}

TEST_F(ReportFileTest, ReplacesAnOldReportAndLeavesNoTemporary) {
  std::ofstream(at("r.json")) << "old";
  auto file = ReportFile::prepare(at("r.json"));
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(content(at("r.json")), "old");
  ASSERT_TRUE(file->write("new", 1).ok());
  EXPECT_EQ(content(at("r.json")), "new");
  EXPECT_EQ(files(), 1);
}

TEST_F(ReportFileTest, ANameMayBeAsLongAsTheFileSystemAllows) {
  const std::string path = at(std::string(255, 'r'));
  auto file = ReportFile::prepare(path, "--report");
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_TRUE(file->write("{}", 1));
}

TEST(Print, ALargeTextThatIsNotWrittenIsAnError) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (!std::freopen("/dev/full", "w", stdout)) ::_exit(99);
    ::_exit(print(std::string(1 << 20, 'x')));
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), kExitUsage);
}

TEST_F(ReportFileTest, PidInTheName) {
  auto written = ReportFile::prepare(at("r.%p.json"))->write("x", 812);
  ASSERT_TRUE(written.ok());
  EXPECT_EQ(written.value(), at("r.812.json"));
}

TEST_F(ReportFileTest, ALinkKeepsPointing) {
  std::ofstream(at("real.json")) << "old";
  fs::create_symlink("real.json", at("link.json"));
  ASSERT_TRUE(ReportFile::prepare(at("link.json"))->write("new", 1).ok());
  EXPECT_TRUE(fs::is_symlink(at("link.json")));
  EXPECT_EQ(content(at("real.json")), "new");
}

TEST_F(ReportFileTest, ADeviceIsWrittenToAndNotReplaced) {
  ASSERT_TRUE(ReportFile::prepare("/dev/null")->write("x", 1).ok());
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

TEST_F(ReportFileTest, BadPlacesAreFoundBeforehand) {
  EXPECT_THAT(ReportFile::prepare(at("no/such/r.json")).error().message,
              testing::HasSubstr("No such file or directory"));
  EXPECT_THAT(ReportFile::prepare(directory_.string()).error().message, testing::HasSubstr("directory"));
  EXPECT_FALSE(ReportFile::prepare("").ok());
  std::ofstream(at("file")) << "";
  EXPECT_FALSE(ReportFile::prepare(at("file/r.json")).ok());
}

}  // namespace
}  // namespace oomcast::report
