// The kernel's texts about memory are read as it writes them, and nothing else is.
#include "preload/record/kernel/proc_maps.h"

#include <gmock/gmock.h>
#include <sys/sysmacros.h>

namespace oomcast::record {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TEST(ParseMaps, ReadsEachFieldOfALine) {
  const std::vector<Vma> maps =
      parse_maps("7f0000001000-7f0000003000 r-xp 0001f000 fd:01 1234567    /usr/lib/a library.so (deleted)\n");
  ASSERT_THAT(maps, SizeIs(1));
  EXPECT_EQ(maps[0].start, 0x7f0000001000u);
  EXPECT_EQ(maps[0].end, 0x7f0000003000u);
  EXPECT_TRUE(maps[0].readable && !maps[0].writable && maps[0].executable && !maps[0].shared);
  EXPECT_EQ(maps[0].file_offset, 0x1f000u);
  EXPECT_EQ(maps[0].device, makedev(0xfd, 1));
  EXPECT_EQ(maps[0].inode, 1234567u);
  EXPECT_EQ(maps[0].name, "/usr/lib/a library.so (deleted)");
  EXPECT_FALSE(maps[0].anonymous());
}

TEST(LockedRanges, AreThoseWithTheFlagAndNeighboursAreOne) {
  const char* const rest = "Size:                  4 kB\nVmFlags: rd wr mr mw me ac sd \n";
  const char* const locked = "Size:                  4 kB\nVmFlags: rd wr mr mw me lo ac sd \n";
  const std::string text = std::string("1000-2000 rw-p 00000000 00:00 0 \n") + rest +
                           "2000-3000 rw-p 00000000 00:00 0 \n" + locked + "3000-5000 r--p 00000000 00:00 0 \n" +
                           locked + "7000-8000 rw-p 00000000 00:00 0 [heap]\n" + locked;
  using Range = std::pair<uint64_t, uint64_t>;
  EXPECT_THAT(locked_ranges(text), ElementsAre(Range(0x2000, 0x5000), Range(0x7000, 0x8000)));
}

TEST(ParseMaps, TellsAnonymousMemoryFromOtherKinds) {
  const std::vector<Vma> maps = parse_maps(
      "1000-2000 rw-p 00000000 00:00 0 \n"
      "2000-3000 rw-p 00000000 00:00 0                                  [heap]\n"
      "3000-4000 rw-p 00000000 00:00 0                                  [anon:a name]\n"
      "4000-5000 rw-s 00000000 00:01 42                                 /dev/zero (deleted)\n"
      "5000-6000 r-xp 00000000 00:00 0                                  [vdso]\n"
      "6000-7000 rw-s 00000000 00:0f 43                                 /anon_hugepage (deleted)\n");
  ASSERT_THAT(maps, SizeIs(6));
  EXPECT_TRUE(maps[0].anonymous() && maps[0].name.empty());
  EXPECT_TRUE(maps[1].anonymous() && maps[1].heap());
  EXPECT_TRUE(maps[2].anonymous());
  EXPECT_TRUE(maps[3].shared && !maps[3].anonymous());
  EXPECT_TRUE(maps[4].special() && !maps[4].anonymous());
  EXPECT_TRUE(maps[5].huge() && maps[5].special());
}

TEST(ParseMaps, LeavesOutLinesThatMakeNoSense) {
  EXPECT_THAT(parse_maps(""), IsEmpty());
  EXPECT_THAT(parse_maps("\n\n"), IsEmpty());
  EXPECT_THAT(parse_maps("2000-1000 rw-p 00000000 00:00 0 \n"), IsEmpty()) << "it ends before it begins";
  EXPECT_THAT(parse_maps("1000-2000 rw-p\n"), IsEmpty());
  EXPECT_THAT(parse_maps("1000-2000 rw-p 0 00:00 x\n"), IsEmpty());
  EXPECT_THAT(parse_maps("xyz\n1000-2000 rw-p 00000000 00:00 0"), SizeIs(1)) << "the last line may lack its end";
  EXPECT_THAT(parse_maps("1ffffffffffffffffffff-2000 rw-p 00000000 00:00 0\n"), IsEmpty());
}

TEST(Statm, OwnPagesAreThoseThatAreNotShared) {
  const Resident now = resident_of("1000 600 150 20 0 800 0\n");
  EXPECT_TRUE(now.known);
  EXPECT_EQ(now.size_pages, 1000u);
  EXPECT_EQ(now.own_pages, 450u);
  EXPECT_EQ(now.shared_pages, 150u);
  EXPECT_EQ(now.data_pages, 800u);
}

TEST(Statm, CountsThatLagNeverGoBelowZero) {
  EXPECT_EQ(resident_of("1000 100 150 20 0 800 0\n").own_pages, 0u);
  EXPECT_FALSE(resident_of("").known);
  EXPECT_EQ(resident_of("0 0 0 0 0 0 0\n").size_pages, 0u);
}

TEST(Stat, FieldsAreCountedBehindAName) {
  const std::string stat = "42 (a ) name) S 7 8 9 10 11\n";
  EXPECT_EQ(stat_field(stat, 4), 7u);
  EXPECT_EQ(stat_field(stat, 8), 11u);
  EXPECT_FALSE(stat_field(stat, 9).has_value());
  EXPECT_FALSE(stat_field("", 4).has_value());
}

TEST(Stat, TheStateFollowsTheName) {
  EXPECT_EQ(stat_state("42 (a ) name) S 7 8\n"), 'S');
  EXPECT_EQ(stat_state("42 (name)"), '\0');
  EXPECT_EQ(stat_state(""), '\0');
}

TEST(Children, AreNumbersWithBlanksBetween) {
  EXPECT_THAT(pids_in("12 345 6 "), ElementsAre(12, 345, 6));
  EXPECT_THAT(pids_in(""), IsEmpty());
  EXPECT_THAT(pids_in("12 x 6"), ElementsAre(12));
}

}  // namespace
}  // namespace oomcast::record
