// Sampled stacks get the names of the functions they lie in, those that were put inline among them.
#include "preload/record/stacks/symbolizer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <string>
#include <vector>

#include "preload/record/kernel/proc_maps.h"
#include "preload/record/kernel/unique_fd.h"
#include "preload/record/stacks/stack_table.h"

namespace oomcast::record {

/// The return address of the call of this function.
__attribute__((noinline)) uint64_t return_address() { return reinterpret_cast<uint64_t>(__builtin_return_address(0)); }
__attribute__((always_inline)) inline uint64_t in_between() { return return_address() + (getppid() == 0 ? 1 : 0); }
__attribute__((noinline)) uint64_t outermost() { return in_between() + (getppid() == 0 ? 1 : 0); }

namespace {

std::vector<Vma> own_maps() {
  UniqueFd fd(::open("/proc/self/maps", O_RDONLY));
  return read_maps(fd.get());
}

TEST(StackTable, NamesInlinedFunctionsBeforeTheOneTheyWerePutInto) {
  const uint64_t counter = outermost();
  StackTable stacks;
  ASSERT_EQ(stacks.intern(std::array{counter}, own_maps()), 1u);
  stacks.will_be_read(1);
  const auto names = stacks.resolve();
  ASSERT_EQ(names.size(), 1u);
  ASSERT_EQ(names[0].size(), 2u);
  EXPECT_EQ(names[0][0].find("oomcast::record::in_between() at symbolizer_test.cc:"), 0u) << names[0][0];
  EXPECT_NE(names[0][0].find("(inlined)"), std::string::npos) << names[0][0];
  EXPECT_EQ(names[0][1].find("oomcast::record::outermost() at symbolizer_test.cc:"), 0u) << names[0][1];
}

TEST(StackTable, AStackIsKeptOnceAndAnAddressOutsideOfFilesStaysANumber) {
  StackTable stacks;
  const auto maps = own_maps();
  EXPECT_EQ(stacks.intern(std::array<uint64_t, 2>{outermost(), 0x1000}, maps), 1u);
  EXPECT_EQ(stacks.intern(std::array<uint64_t, 2>{outermost(), 0x1000}, maps), 1u);
  EXPECT_EQ(stacks.intern(std::array<uint64_t, 1>{0x1000}, maps), 2u);
  stacks.will_be_read(2);
  EXPECT_EQ(stacks.resolve()[1], std::vector<std::string>{"0x1000"});
}

TEST(StackTable, AStackForWhichNoMemoryWasTouchedIsNotNamed) {
  StackTable stacks;
  EXPECT_EQ(stacks.intern(std::array{outermost()}, own_maps()), 1u);
  stacks.will_be_read(0);
  EXPECT_TRUE(stacks.resolve().at(0).empty());
}

TEST(StackTable, AProgramThatWasDeletedWhileItRanIsNamed) {
  const std::string copy = testing::TempDir() + "oomcast_symbolizer_test_copy";
  std::filesystem::copy_file("/proc/self/exe", copy, std::filesystem::copy_options::overwrite_existing);
  std::vector<Vma> maps = own_maps();
  const std::string own = std::filesystem::read_symlink("/proc/self/exe");
  for (Vma& vma : maps)
    if (vma.name == own) vma.name = copy;
  StackTable stacks;
  stacks.will_be_read(stacks.intern(std::array{outermost()}, maps));
  std::filesystem::remove(copy);
  const auto names = stacks.resolve();
  EXPECT_EQ(names.at(0).back().find("oomcast::record::outermost()"), 0u) << names[0].back();
}

TEST(Symbolizer, WhatCannotBeReadIsNamedByModuleAndOffset) {
  Symbolizer symbolizer;
  symbolizer.want("/no/such/module.so", 0x123);
  symbolizer.finish();
  EXPECT_EQ(symbolizer.names("/no/such/module.so", 0x123), std::vector<std::string>{"module.so+0x123"});
}

TEST(Symbolizer, EndsWithoutHavingBeenAskedForAnything) { Symbolizer().finish(); }

}  // namespace
}  // namespace oomcast::record
