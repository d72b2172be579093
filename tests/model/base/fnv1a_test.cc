// Tests Fnv1a against the values that its authors publish.
#include "model/base/fnv1a.h"

#include <gtest/gtest.h>

namespace oomcast {
namespace {

TEST(Fnv1a, GivesThePublishedValues) {
  EXPECT_EQ(Fnv1a().value(), 0xcbf29ce484222325u);
  EXPECT_EQ(Fnv1a().add_bytes("a").value(), 0xaf63dc4c8601ec8cu);
  EXPECT_EQ(Fnv1a().add_bytes("foobar").value(), 0x85944171f73967e8u);
}

TEST(Fnv1a, TakesANumberLowestByteFirst) {
  using namespace std::string_view_literals;
  EXPECT_EQ(Fnv1a().add_number(0x0102).value(), Fnv1a().add_bytes("\x02\x01\0\0\0\0\0\0"sv).value());
  EXPECT_EQ(Fnv1a().add_number(0).value(), Fnv1a().add_bytes("\0\0\0\0\0\0\0\0"sv).value());
  EXPECT_EQ(Fnv1a().add_number(0x0100'0000'0000).value(), Fnv1a().add_bytes("\0\0\0\0\0\x01\0\0"sv).value());
  EXPECT_EQ(Fnv1a().add_number(-1).value(), Fnv1a().add_bytes("\xff\xff\xff\xff\xff\xff\xff\xff"sv).value());
}

}  // namespace
}  // namespace oomcast
