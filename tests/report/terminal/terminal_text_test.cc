// Text is measured, cut and wrapped by what a reader sees of it.
#include "report/terminal/terminal_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace oomcast::report {
namespace {

using testing::ElementsAre;

TEST(TerminalText, ANameCannotMoveTheCursor) { EXPECT_EQ(printable("a\x1b[2Jb\nc\x7f"), "a [2Jb c "); }

TEST(TerminalText, ColoursAndContinuationBytesTakeNoRoom) { EXPECT_EQ(width_of("\x1b[1;31mäö▁\x1b[0m"), 3u); }

TEST(TerminalText, WhatIsCutIsMarked) {
  EXPECT_EQ(cut_to_width("äöü", 3), "äöü");
  EXPECT_EQ(cut_to_width("äöüx", 3), "äö…");
  EXPECT_EQ(cut_to_width("abc", 0), "");
}

TEST(TerminalText, LinesBreakAtBlanks) {
  EXPECT_THAT(wrapped("one two three", 7), ElementsAre("one two", "three"));
  EXPECT_THAT(wrapped("incomprehensible word", 5), ElementsAre("incomprehensible", "word"));
  EXPECT_THAT(wrapped("", 5), ElementsAre(""));
  EXPECT_THAT(wrapped("a  b ", 2), ElementsAre("a ", "b "));
}

}  // namespace
}  // namespace oomcast::report
