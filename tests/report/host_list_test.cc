// A fleet is a folder of hosts or a list of them.
#include "report/host_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

namespace oomcast::report {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class HostsOfAFleet : public testing::Test {
 protected:
  HostsOfAFleet() {
    char name[] = "/tmp/oomcast-hosts.XXXXXX";
    directory = ::mkdtemp(name);
  }
  ~HostsOfAFleet() override { fs::remove_all(directory); }
  std::string directory;
};

TEST_F(HostsOfAFleet, AFolderHoldsHostsByName) {
  fs::create_directories(directory + "/box-b/proc");
  std::ofstream(directory + "/box-a.json") << "{}";
  std::ofstream(directory + "/.hidden") << "";
  auto hosts = read_host_list(directory);
  ASSERT_TRUE(hosts.ok()) << hosts.error().message;
  EXPECT_EQ(hosts->key, "host");
  EXPECT_THAT(hosts->values, ElementsAre(directory + "/box-a.json", directory + "/box-b"));
}

TEST_F(HostsOfAFleet, AListHasOneHostALine) {
  std::ofstream(directory + "/list") << "# the small ones\nvm-1g\r\n\n  a b.json  \n/abs/c";
  auto hosts = read_host_list(directory + "/list");
  ASSERT_TRUE(hosts.ok()) << hosts.error().message;
  EXPECT_THAT(hosts->values, ElementsAre("vm-1g", directory + "/a b.json", "/abs/c"));
}

TEST_F(HostsOfAFleet, MistakesAreNamed) {
  const auto error = [](const std::string& path) {
    auto hosts = read_host_list(path);
    return hosts.ok() ? "" : hosts.error().message;
  };
  EXPECT_THAT(error(directory), HasSubstr("there is no host in it"));
  EXPECT_THAT(error(directory + "/none"), HasSubstr("/none: No such file"));
  fs::create_directories(directory + "/proc");
  EXPECT_THAT(error(directory), HasSubstr("the snapshot of one host"));
}

}  // namespace
}  // namespace oomcast::report
