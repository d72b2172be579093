// Words that stand for Python frames among the program counters of a sampled stack.
//
// A program counter never has bit 63 set. The first word with bit 63 in a stack holds the interpreter's minor version
// and the address of PyCode_Type. Each further one is a Python frame, innermost first: the address of its code object
// and the index of its instruction.
#pragma once

#include <cstdint>

namespace oomcast::ring {

inline constexpr uint64_t kPythonWord = uint64_t{1} << 63;
inline constexpr int kPythonUnitShift = 48;             // 15 bits above the 48-bit address
inline constexpr uint64_t kPythonVersionUnit = 0x7fff;  // marks the version word
// the instruction is unknown, or its index needs more than 15 bits
inline constexpr uint64_t kPythonUnknownUnit = 0x7ffe;

inline constexpr bool is_python_word(uint64_t word) { return (word & kPythonWord) != 0; }
inline constexpr uint64_t python_unit(uint64_t word) { return word >> kPythonUnitShift & 0x7fff; }
inline constexpr uint64_t python_value(uint64_t word) { return word & ((uint64_t{1} << kPythonUnitShift) - 1); }
inline constexpr bool is_python_version(uint64_t word) {
  return is_python_word(word) && python_unit(word) == kPythonVersionUnit;
}

inline constexpr uint64_t kOldestPythonMinor = 8, kPythonMinors = 6;  // 3.8 to 3.13
inline constexpr uint64_t kPythonMinorMask = 7;  // in the low bits of PyCode_Type's address, a multiple of 8

/// `minor`: of Python 3. `code_type`: address of PyCode_Type, the type of all code objects.
inline constexpr uint64_t python_version_word(uint64_t minor, uint64_t code_type) {
  return kPythonWord | kPythonVersionUnit << kPythonUnitShift | code_type | (minor - kOldestPythonMinor);
}
/// `unit`: index of the instruction in code units of 2 bytes.
inline constexpr uint64_t python_frame_word(uint64_t code, uint64_t unit) {
  return kPythonWord | (unit < kPythonUnknownUnit ? unit : kPythonUnknownUnit) << kPythonUnitShift | code;
}

}  // namespace oomcast::ring
