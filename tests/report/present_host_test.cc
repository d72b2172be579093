// The target answers a program that asks how large its machine is as its own kernel would.
#include "report/present_host.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <oomcast_paths.h>

#include <fstream>

#include "model/spec/read_host.h"
#include "tests/support/host_builder.h"

namespace oomcast::report {
namespace {

using namespace oomcast::literals;
using support::HostBuilder;
using testing::EndsWith;
using testing::HasSubstr;

std::string text_of(const host::HostSpec& host, const std::string& name) {
  for (const PresentedFile& file : presented_files(host))
    if (file.name == name) return file.text;
  return "no such file";
}

int64_t kb_of(const std::string& meminfo, const std::string& name) {
  size_t at = meminfo.find("\n" + name + ":");
  return at == std::string::npos ? -1 : std::stoll(meminfo.substr(at + name.size() + 2));
}

TEST(PresentHost, MeminfoOfASnapshotIsThatOfItsKernel) {
  auto host = host::read_snapshot(OOMCAST_SOURCE_DIR "/tests/data/hosts/k612-oom-2node");
  ASSERT_TRUE(host.ok()) << host.error().message;
  std::string text = "\n" + text_of(host.value(), "meminfo");
  std::ifstream in(OOMCAST_SOURCE_DIR "/tests/data/hosts/k612-oom-2node/proc/meminfo");
  std::string real = "\n" + std::string(std::istreambuf_iterator<char>(in), {});
  EXPECT_EQ(kb_of(text, "MemTotal"), kb_of(real, "MemTotal"));
  EXPECT_EQ(kb_of(text, "SwapTotal"), kb_of(real, "SwapTotal"));
  // The kernel's own meminfo and zoneinfo were read one after the other, and counted in batches.
  EXPECT_NEAR(static_cast<double>(kb_of(text, "MemFree")), static_cast<double>(kb_of(real, "MemFree")), 1024);
  EXPECT_NEAR(static_cast<double>(kb_of(text, "MemAvailable")), static_cast<double>(kb_of(real, "MemAvailable")), 2048);
}

TEST(PresentHost, LimitsAreThoseOfTheTargetsCgroup) {
  host::HostSpec host = HostBuilder().node(256_MiB).build();
  EXPECT_EQ(text_of(host, "memory.max"), "max\n");
  EXPECT_EQ(text_of(host, "memory.limit_in_bytes"), "9223372036854771712\n");
  ASSERT_TRUE(host::set_cgroup(host, "memory.max=64M").ok());
  EXPECT_EQ(text_of(host, "memory.max"), "67108864\n");
  EXPECT_EQ(text_of(host, "memory.limit_in_bytes"), "67108864\n");
  EXPECT_EQ(text_of(host, "memory.high"), "max\n");
}

TEST(PresentHost, AffinityIsTheNodesWhenTheProgramIsBoundToOne) {
  host::HostSpec host = HostBuilder().node(256_MiB).cpus(2).node(256_MiB).cpus(3).build();
  EXPECT_EQ(text_of(host, "cpu_online"), "0-4\n");
  EXPECT_THAT(presented_environment(host, -1, "/tmp/d"), EndsWith(":5:0-4:/tmp/d"));
  EXPECT_THAT(presented_environment(host, 1, "/tmp/d"), EndsWith(":5:2-4:/tmp/d"));
  EXPECT_THAT(presented_environment(host, 1, "/tmp/d"),
              testing::StartsWith("OOMCAST_PRESENT=" + std::to_string(host.total_ram.count()) + ":"));
}

TEST(PresentHost, ADirectoryThatCannotBeWrittenIsNamed) {
  auto written = write_presented_files(HostBuilder().node(256_MiB).build(), "/no-such-directory");
  ASSERT_FALSE(written.ok());
  EXPECT_THAT(written.error().message, HasSubstr("/no-such-directory/meminfo"));
}

}  // namespace
}  // namespace oomcast::report
