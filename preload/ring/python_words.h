// How the library in the guest names Python functions among the program counters of a sampled stack.
//
// No program counter has the highest bit set. The first such word of a stack holds the interpreter's version and the
// address of its PyCode_Type; each that follows stands for one Python frame, innermost first: the address of its code
// object and how far it has come in its code.
#pragma once

#include <cstdint>

namespace oomcast::ring {

inline constexpr uint64_t kPythonWord = uint64_t{1} << 63;
inline constexpr int kPythonUnitShift = 48;             // 15 bits above the address of a code object
inline constexpr uint64_t kPythonVersionUnit = 0x7fff;  // the word of the version
inline constexpr uint64_t kPythonUnknownUnit = 0x7ffe;  // the place in the code is unknown, or too far for 15 bits

inline constexpr bool is_python_word(uint64_t word) { return (word & kPythonWord) != 0; }
inline constexpr uint64_t python_unit(uint64_t word) { return word >> kPythonUnitShift & 0x7fff; }
inline constexpr uint64_t python_value(uint64_t word) { return word & ((uint64_t{1} << kPythonUnitShift) - 1); }
inline constexpr bool is_python_version(uint64_t word) {
  return is_python_word(word) && python_unit(word) == kPythonVersionUnit;
}

inline constexpr uint64_t kOldestPythonMinor = 8, kPythonMinors = 6;  // 3.8 to 3.13
inline constexpr uint64_t kPythonMinorMask = 7;                       // below an address that is a multiple of eight

/// `minor`: of Python 3, one of those above. `code_type`: PyCode_Type, by which a code object is known.
inline constexpr uint64_t python_version_word(uint64_t minor, uint64_t code_type) {
  return kPythonWord | kPythonVersionUnit << kPythonUnitShift | code_type | (minor - kOldestPythonMinor);
}
/// `unit`: index of the instruction, counted in code units of two bytes.
inline constexpr uint64_t python_frame_word(uint64_t code, uint64_t unit) {
  return kPythonWord | (unit < kPythonUnknownUnit ? unit : kPythonUnknownUnit) << kPythonUnitShift | code;
}

}  // namespace oomcast::ring
