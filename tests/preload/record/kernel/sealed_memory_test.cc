// Memory that is shared with guests cannot be changed in size by them, nor read by other users.
#include "preload/record/kernel/sealed_memory.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "preload/record/kernel/proc_maps.h"

namespace oomcast::record {
namespace {

TEST(SealedMemory, HasItsSizeForGood) {
  const UniqueFd memory = sealed_memory(8192);
  ASSERT_TRUE(memory);
  EXPECT_EQ(::ftruncate(memory.get(), 4096), -1);
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(::ftruncate(memory.get(), 16384), -1);
  struct stat status {};
  ASSERT_EQ(::fstat(memory.get(), &status), 0);
  EXPECT_EQ(status.st_size, 8192);
}

TEST(SealedMemory, IsTheOwnersAlone) {
  const UniqueFd memory = sealed_memory(4096);
  struct stat status {};
  ASSERT_EQ(::fstat(memory.get(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST(SealedMemory, IsKnownByItsNameInMaps) {
  const UniqueFd memory = sealed_memory(4096);
  void* const mapped = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, memory.get(), 0);
  ASSERT_NE(mapped, MAP_FAILED);
  const UniqueFd maps(::open("/proc/self/maps", O_RDONLY | O_CLOEXEC));
  Vma vma;
  ASSERT_TRUE(query_map(maps.get(), reinterpret_cast<uint64_t>(mapped), &vma));
  EXPECT_TRUE(vma.name.starts_with(kRingName)) << vma.name;
  ::munmap(mapped, 4096);
}

TEST(SharedFutex, DoesNotWaitForAWordThatHasChanged) {
  std::atomic<uint32_t> word{1};
  EXPECT_EQ(shared_futex(&word, FUTEX_WAIT, 0, nullptr), -1);
  EXPECT_EQ(errno, EAGAIN);
}

}  // namespace
}  // namespace oomcast::record
