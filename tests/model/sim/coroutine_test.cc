// Functions that stop in the middle: their order, and that what they hold is given up when they are.
#include "model/sim/coroutine.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace oomcast::sim {
namespace {

struct Says {
  std::string& to;
  const char* what;
  ~Says() { to += what; }
};

TEST(Coroutine, GoesOnWhereItPaused) {
  std::string order;
  Coroutine* self = nullptr;
  Coroutine code([&] {
    order += "a";
    self->pause();
    order += "c";
  });
  self = &code;
  code.resume();
  order += "b";
  code.resume();
  EXPECT_EQ(order, "abc");
}

TEST(Coroutine, GivesUpWhatItHoldsWhenItEndsInTheMiddle) {
  std::string order;
  Coroutine* self = nullptr;
  {
    Coroutine code([&] {
      const Says outer{order, "outer"};
      const Says inner{order, "inner "};
      self->pause();
      order += "never";
    });
    self = &code;
    code.resume();
  }
  EXPECT_EQ(order, "inner outer");
}

TEST(Coroutine, ThatHasNotBegunNeverRuns) {
  bool ran = false;
  {
    const Coroutine code([&] { ran = true; });
  }
  EXPECT_FALSE(ran);
}

// Under the address sanitizer: an exception on a stack that it does not know leaves marks that later frames run into.
int deep(int depth) {
  volatile char room[2000];
  for (volatile char& byte : room) byte = static_cast<char>(depth);
  return depth == 0 ? room[0] : deep(depth - 1) + room[1] - room[2];
}
void fail_deep(int depth) {
  volatile char room[3000];
  for (volatile char& byte : room) byte = 0;
  if (depth == 0) throw std::runtime_error("deep");
  fail_deep(depth - 1);
  room[0] = 1;
}

TEST(Coroutine, CatchesAnExceptionAndCallsOnOverTheSameStack) {
  Coroutine* self = nullptr;
  std::string said;
  Coroutine code([&] {
    for (int i = 0; i < 3; ++i) {
      try {
        fail_deep(20 + i);
      } catch (const std::runtime_error& error) {
        said += error.what();
      }
      self->pause();
      EXPECT_EQ(deep(30), 0);
    }
  });
  self = &code;
  for (int i = 0; i < 4; ++i) {
    code.resume();
    EXPECT_EQ(deep(30), 0);
  }
  EXPECT_EQ(said, "deepdeepdeep");
}

TEST(Coroutine, RunsAnotherOneInside) {
  std::string order;
  Coroutine *outer_self = nullptr, *inner_self = nullptr;
  Coroutine outer([&] {
    Coroutine inner([&] {
      const Says left{order, "d"};
      order += "a";
      inner_self->pause();
      order += "never";
    });
    inner_self = &inner;
    inner.resume();
    order += "b";
    outer_self->pause();
    EXPECT_EQ(deep(20), 0);
    order += "c";
  });
  outer_self = &outer;
  outer.resume();
  outer.resume();
  EXPECT_EQ(order, "abcd");
}

TEST(Coroutine, ManyComeAndGo) {
  int unwound = 0;
  struct Counts {
    int& of;
    ~Counts() { ++of; }
  };
  for (int i = 0; i < 2000; ++i) {
    Coroutine* self = nullptr;
    Coroutine code([&] {
      const Counts counted{unwound};
      self->pause();
      if (i % 2 == 0) self->pause();
    });
    self = &code;
    code.resume();
    code.resume();
  }
  EXPECT_EQ(unwound, 2000);
}

}  // namespace
}  // namespace oomcast::sim
