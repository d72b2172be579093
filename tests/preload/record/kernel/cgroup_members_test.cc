// The processes of a cgroup are those of all groups below it.
#include "preload/record/kernel/cgroup_members.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

namespace oomcast::record {
namespace {

TEST(CgroupMembers, AreThoseOfAllGroupsBelowEachOnce) {
  const std::string root = testing::TempDir() + "oomcast-cgroup-members";
  std::filesystem::create_directories(root + "/a/b");
  std::ofstream(root + "/cgroup.procs") << "30\n4\n";
  std::ofstream(root + "/a/cgroup.procs") << "";
  std::ofstream(root + "/a/b/cgroup.procs") << "7\n30\n";
  std::ofstream(root + "/a/memory.current") << "99\n";
  EXPECT_THAT(cgroup_members(root), testing::ElementsAre(4, 7, 30));
  std::filesystem::remove_all(root);
  EXPECT_THAT(cgroup_members(root), testing::IsEmpty()) << "gone meanwhile";
}

}  // namespace
}  // namespace oomcast::record
