// Names of Python functions, read from a memory that the test lays out as CPython does.
#include "preload/record/stacks/python_names.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <string>

#include "preload/ring/python_words.h"

namespace oomcast::record {
namespace {

std::string bytes_of(std::string_view hex) {
  std::string out;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    out += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return out;
}

// def f(n):                                            line 1
//     a = [bytes(100) for i in range(n)]               line 2
//     b = bytearray(1 << 20)                           line 3
//     return (a,                                       line 4
//             b)                                       line 5
// as 3.11 and 3.12 compile it: co_linetable, and what co_lines() says of it.
const std::string k311 = bytes_of(
    "8000d80826d008269d55a03199589c58d00826d10826d408268041dd08119027d1081ad4081a8041d80c0dd80c0df003010c0ff00001050f");
const std::string k312 = bytes_of(
    "8000dc1d22a0319b58d6082698018c1588738d1ad008268041d00826dc08119027d3081a8041d80c0dd80c0df003010c0ff00001050ff9f205"
    "000927");

TEST(PythonLines, AreThoseThatTheInterpreterItselfSays) {
  EXPECT_EQ(line_of_unit(k311, 1, 0), 1);
  EXPECT_EQ(line_of_unit(k311, 1, 12), 2);
  EXPECT_EQ(line_of_unit(k311, 1, 25), 2);
  EXPECT_EQ(line_of_unit(k311, 1, 26), 3);
  EXPECT_EQ(line_of_unit(k311, 1, 32), 3);
  EXPECT_EQ(line_of_unit(k311, 1, 41), 4);
  EXPECT_EQ(line_of_unit(k311, 1, 42), 5);
  EXPECT_EQ(line_of_unit(k311, 1, 43), 4);
  EXPECT_EQ(line_of_unit(k312, 1, 33), 2);
  EXPECT_EQ(line_of_unit(k312, 1, 40), 3);
  EXPECT_EQ(line_of_unit(k312, 1, 46), 5);
  EXPECT_EQ(line_of_unit(k312, 1, 52), 2);
}

TEST(PythonLines, WithoutOneAreTheFunctionsFirst) {
  EXPECT_EQ(line_of_unit(k312, 1, 49), 1) << "the interpreter's own: no location";
  EXPECT_EQ(line_of_unit(k312, 7, 10'000), 7) << "behind the end";
  EXPECT_EQ(line_of_unit("", 7, 0), 7);
  EXPECT_EQ(line_of_unit(std::string(3, '\x01'), 7, 2), 7) << "no entry begins with such a byte";
  EXPECT_EQ(line_of_unit("\xf8\xff\xff\xff\xff\xff\xff\xff", 7, 5), 7) << "a number without an end";
}

constexpr uint64_t kCodeType = 0x7f0000;

/// Memory of a process in which objects can be laid down.
class PythonNamesTest : public testing::Test {
 protected:
  template <class T>
  void put(uint64_t address, T value) {
    char raw[sizeof value];
    std::memcpy(raw, &value, sizeof value);
    for (size_t i = 0; i < sizeof value; ++i) memory_[address + i] = raw[i];
  }
  void put_bytes(uint64_t address, std::string_view bytes) {
    for (size_t i = 0; i < bytes.size(); ++i) memory_[address + i] = bytes[i];
  }
  void put_header(uint64_t address) {
    put<int64_t>(address, 1);
    put<uint64_t>(address + 8, kCodeType);
  }
  /// A compact string of ASCII.
  void put_text(uint64_t address, std::string_view text, uint64_t header) {
    put<uint64_t>(address + 16, text.size());
    put<uint32_t>(address + 32, 1 << 2 | 1 << 5 | 1 << 6);
    put_bytes(address + header, text);
  }
  void put_wide_text(uint64_t address, std::u16string_view text, uint64_t header) {
    put<uint64_t>(address + 16, text.size());
    put<uint32_t>(address + 32, 2 << 2 | 1 << 5);
    for (size_t i = 0; i < text.size(); ++i) put<uint16_t>(address + header + 2 * i, text[i]);
  }
  void put_code(uint64_t address, uint64_t function, uint64_t file, uint64_t table, int first_line,
                uint64_t first_line_at) {
    put_header(address);
    put<uint64_t>(address + 128, function);
    put<uint64_t>(address + 112, file);
    put<uint64_t>(address + 136, table);
    put<int32_t>(address + first_line_at, first_line);
  }
  void put_table(uint64_t address, std::string_view table) {
    put<uint64_t>(address + 16, table.size());
    put_bytes(address + 32, table);
  }

  std::map<uint64_t, char> memory_;
  PythonNames names_{[this](uint64_t address, void* out, size_t bytes) {
    for (size_t i = 0; i < bytes; ++i) {
      const auto at = memory_.find(address + i);
      if (at == memory_.end()) return false;
      static_cast<char*>(out)[i] = at->second;
    }
    return true;
  }};
};

TEST_F(PythonNamesTest, SaysFunctionFileAndTheLineThatRan) {
  put_text(0x1000, "Store.load", 48);
  put_text(0x2000, "/srv/app.py", 48);
  put_table(0x3000, k311);
  put_code(0x10000, 0x1000, 0x2000, 0x3000, 1, 72);
  EXPECT_EQ(names_.name(ring::python_version_word(11, kCodeType)), "");
  EXPECT_EQ(names_.name(ring::python_frame_word(0x10000, 33)), "Store.load at /srv/app.py:3");
  EXPECT_EQ(names_.name(ring::python_frame_word(0x10000, 1 << 20)), "Store.load at /srv/app.py:1")
      << "the index needs more bits than the word has";
}

TEST_F(PythonNamesTest, ReadsTheShorterHeadersSince312) {
  put_wide_text(0x1000, u"größe_\u4e00", 56);
  put_text(0x2000, "/srv/app.py", 40);
  put_table(0x3000, k312);
  put_code(0x10000, 0x1000, 0x2000, 0x3000, 1, 68);
  names_.name(ring::python_version_word(12, kCodeType));
  EXPECT_EQ(names_.name(ring::python_frame_word(0x10000, 46)), "größe_\xe4\xb8\x80 at /srv/app.py:5");
}

TEST_F(PythonNamesTest, SaysTheFirstLineOfOlderOnes) {
  put_text(0x1000, "load", 48);
  put_text(0x2000, "app.py", 48);
  put_header(0x10000);
  put<uint64_t>(0x10000 + 112, 0x1000);
  put<uint64_t>(0x10000 + 104, 0x2000);
  put<int32_t>(0x10000 + 40, 17);
  names_.name(ring::python_version_word(8, kCodeType));
  EXPECT_EQ(names_.name(ring::python_frame_word(0x10000, 3)), "load at app.py:17");
}

TEST_F(PythonNamesTest, SaysNothingOfWhatMakesNoSense) {
  EXPECT_EQ(names_.name(ring::python_frame_word(0x10000, 3)), "") << "no version yet";
  names_.name(ring::python_version_word(15, kCodeType));
  EXPECT_EQ(names_.name(ring::python_frame_word(0x10000, 3)), "") << "a version that nobody knows";
  names_.name(ring::python_version_word(11, kCodeType));
  EXPECT_EQ(names_.name(ring::python_frame_word(0x10000, 3)), "") << "nothing there";
  put_code(0x10000, 0x1000, 0x2000, 0x3000, 1, 72);
  EXPECT_EQ(names_.name(ring::python_frame_word(0x10000, 3)), "") << "names that are not there";
  put_text(0x1000, "f\x01\x7f", 48);
  put_text(0x2000, "a.py", 48);
  names_.forget();
  EXPECT_EQ(names_.name(ring::python_frame_word(0x10000, 3)), "f?? at a.py:1")
      << "no line breaks or terminal codes; no table either";
}

TEST_F(PythonNamesTest, SaysNothingOfACodeObjectThatHasBeenFreed) {
  put_text(0x1000, "load", 48);
  put_text(0x2000, "app.py", 48);
  put_code(0x10000, 0x1000, 0x2000, 0, 1, 72);
  names_.name(ring::python_version_word(11, kCodeType));
  EXPECT_EQ(names_.name(ring::python_frame_word(0x10000, 3)), "load at app.py:1");
  put<uint64_t>(0x10000, 0x7f1234567890);  // the allocator's list of free blocks
  EXPECT_EQ(names_.name(ring::python_frame_word(0x10000, 3)), "");
  put_header(0x10000);
  put<uint64_t>(0x10008, kCodeType + 64);  // an object of another type
  EXPECT_EQ(names_.name(ring::python_frame_word(0x10000, 3)), "");
}

TEST_F(PythonNamesTest, EndsALengthThatWasOverwritten) {
  put_text(0x1000, std::string(2000, 'x'), 48);
  put<uint64_t>(0x1010, UINT64_MAX);
  put_text(0x2000, "a.py", 48);
  put_code(0x10000, 0x1000, 0x2000, 0, 1, 72);
  names_.name(ring::python_version_word(11, kCodeType));
  EXPECT_EQ(names_.name(ring::python_frame_word(0x10000, 3)), std::string(512, 'x') + " at a.py:1");
}

}  // namespace
}  // namespace oomcast::record
