// The mount points of a file system are read from the kernel's mountinfo.
#include "preload/record/kernel/mount_info.h"

#include <gmock/gmock.h>
#include <sys/sysmacros.h>

namespace oomcast::record {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kMountinfo =
    "22 1 0:21 / / rw,relatime shared:1 - overlay overlay rw\n"
    "30 22 0:25 / /dev/shm rw,nosuid,nodev master:3 - tmpfs shm rw,size=65536k\n"
    "31 22 0:26 / /my\\040ram rw - tmpfs tmpfs rw\n"
    "32 22 0:25 /sub /mnt rw - tmpfs shm rw,size=65536k\n"
    "broken\n";

TEST(MountInfo, GivesEachPlaceOfADevice) {
  EXPECT_THAT(mount_points_of(kMountinfo, makedev(0, 25)), ElementsAre("/dev/shm", "/mnt"));
  EXPECT_THAT(mount_points_of(kMountinfo, makedev(0, 26)), ElementsAre("/my ram"));
  EXPECT_THAT(mount_points_of(kMountinfo, makedev(0, 99)), IsEmpty());
  EXPECT_THAT(mount_points_of("", makedev(0, 25)), IsEmpty());
}

TEST(MountInfo, ThePlaceOfAPathIsTheNearestAboveIt) {
  EXPECT_EQ(mount_point_above({"/dev", "/dev/shm", "/mnt"}, "/dev/shm/x (deleted)"), "/dev/shm");
  EXPECT_EQ(mount_point_above({"/dev", "/mnt"}, "/mnt"), "/mnt");
  EXPECT_EQ(mount_point_above({"/mnt"}, "/mnt2/x"), "");
  EXPECT_EQ(mount_point_above({"/"}, "/x"), "/");
}

}  // namespace
}  // namespace oomcast::record
