// PythonNames: offsets within CPython's objects, and how to read them. See python_names.h.
#include "preload/record/stacks/python_names.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "preload/ring/python_words.h"

namespace oomcast::record {
namespace {

constexpr uint64_t kFirstCompactHeaders = 12;
constexpr size_t kLongestName = 512, kLongestTable = 1 << 16, kMostKnown = 20'000;
// An immortal object has a reference count of 2^32 - 1. A freed object has an address in its place.
constexpr int64_t kMostReferences = int64_t{1} << 33;
constexpr uint64_t kTypeAt = 8;  // PyObject.ob_type
constexpr uint64_t kLengthAt = 16, kStateAt = 32,
                   kBytesAt = 32;  // PyVarObject.ob_size and PyASCIIObject.length, .state; PyBytesObject.ob_sval

/// Byte offsets in PyCodeObject.
struct CodeLayout {
  uint64_t function, file, first_line, table;  // table 0: co_lnotab or the older co_linetable, which are not read
};
constexpr CodeLayout kCodeLayouts[] = {
    {112, 104, 40, 0},   {112, 104, 40, 0},   {112, 104, 40, 0},    // 3.8 to 3.10: co_name
    {128, 112, 72, 136}, {128, 112, 68, 136}, {128, 112, 68, 136},  // 3.11 to 3.13: co_qualname
};
static_assert(std::size(kCodeLayouts) == ring::kPythonMinors);

void append_utf8(std::string* out, uint32_t c) {
  if (c < 0x80) {
    *out += static_cast<char>(c);
  } else if (c < 0x800) {
    *out += {static_cast<char>(0xc0 | c >> 6), static_cast<char>(0x80 | (c & 0x3f))};
  } else if (c < 0x10000) {
    *out += {static_cast<char>(0xe0 | c >> 12), static_cast<char>(0x80 | (c >> 6 & 0x3f)),
             static_cast<char>(0x80 | (c & 0x3f))};
  } else {
    *out += {static_cast<char>(0xf0 | (c >> 18 & 7)), static_cast<char>(0x80 | (c >> 12 & 0x3f)),
             static_cast<char>(0x80 | (c >> 6 & 0x3f)), static_cast<char>(0x80 | (c & 0x3f))};
  }
}

bool is_surrogate(uint32_t c) { return c >= 0xd800 && c < 0xe000; }

/// Converts characters of `width` bytes each to UTF-8. Control and invalid characters become a question mark.
std::string utf8_of(std::string_view bytes, size_t width) {
  std::string out;
  for (size_t at = 0; at + width <= bytes.size(); at += width) {
    uint32_t c = 0;
    for (size_t i = 0; i < width; ++i) c |= static_cast<uint32_t>(static_cast<unsigned char>(bytes[at + i])) << 8 * i;
    append_utf8(&out, c < 0x20 || c == 0x7f || c > 0x10ffff || is_surrogate(c) ? '?' : c);
  }
  return out;
}

/// Reads a location table, byte after byte.
class Locations {
 public:
  explicit Locations(std::string_view table) : left_(table) {}
  bool at_end() const { return left_.empty(); }
  unsigned next() {
    if (left_.empty()) return 0;
    const auto byte = static_cast<unsigned char>(left_.front());
    left_.remove_prefix(1);
    return byte;
  }
  unsigned variable() {
    unsigned byte = next(), value = byte & 0x3f;
    for (unsigned shift = 6; (byte & 0x40) != 0 && shift < 30; shift += 6) value |= ((byte = next()) & 0x3f) << shift;
    return value;
  }
  int signed_variable() {
    const unsigned value = variable();
    return (value & 1) != 0 ? -static_cast<int>(value >> 1) : static_cast<int>(value >> 1);
  }

 private:
  std::string_view left_;
};

enum LocationKind : unsigned { kOneLineFirst = 10, kOneLineLast = 12, kNoColumns = 13, kLong = 14, kNoLocation = 15 };

/// By how many lines the entry advances. Skips the other bytes of the entry.
int take_line_delta(Locations& table, unsigned kind) {
  if (kind < kOneLineFirst) return static_cast<void>(table.next()), 0;
  if (kind <= kOneLineLast)
    return static_cast<void>(table.next()), static_cast<void>(table.next()), static_cast<int>(kind - kOneLineFirst);
  if (kind == kNoLocation) return 0;
  const int delta = table.signed_variable();
  if (kind == kLong)
    for (int rest = 0; rest < 3; ++rest) table.variable();
  return delta;
}

}  // namespace

int line_of_unit(std::string_view table, int first_line, uint64_t unit) {
  Locations locations(table);
  int line = first_line;
  for (uint64_t passed = 0; !locations.at_end();) {
    const unsigned entry = locations.next(), kind = entry >> 3 & 15;
    if ((entry & 0x80) == 0) return first_line;  // corrupt: the first byte of an entry has the highest bit
    line += take_line_delta(locations, kind);
    passed += (entry & 7) + 1;
    if (unit < passed) return kind == kNoLocation || line <= 0 ? first_line : line;
  }
  return first_line;
}

std::string PythonNames::bytes_at(uint64_t object, size_t most) const {
  uint64_t length = 0;
  if (!read_(object + kLengthAt, &length, sizeof length)) return {};
  std::string out(std::min<uint64_t>(length, most), '\0');
  return read_(object + kBytesAt, out.data(), out.size()) ? out : std::string();
}

/// Reads a compact PyUnicodeObject; names have no other form. Since 3.12 its header has one word less if it is ASCII,
/// two words less if not.
std::string PythonNames::text_at(uint64_t unicode) const {
  uint64_t length = 0;
  uint32_t state = 0;
  if (unicode == 0 || !read_(unicode + kLengthAt, &length, sizeof length) ||
      !read_(unicode + kStateAt, &state, sizeof state))
    return {};
  const uint32_t width = state >> 2 & 7;
  const bool compact = (state >> 5 & 1) != 0, ascii = (state >> 6 & 1) != 0;
  if (!compact || (width != 1 && width != 2 && width != 4) || length == 0) return {};
  const uint64_t header = (ascii ? 40u : 56u) + (minor_ >= kFirstCompactHeaders ? 0u : ascii ? 8u : 16u);
  std::string raw(std::min<uint64_t>(length, kLongestName) * width, '\0');
  return read_(unicode + header, raw.data(), raw.size()) ? utf8_of(raw, width) : std::string();
}

/// Whether the object is still a code object: the interpreter may have freed it since its address was noted.
bool PythonNames::is_code(uint64_t address) const {
  int64_t references = 0;
  uint64_t type = 0;
  return read_(address, &references, 8) && read_(address + kTypeAt, &type, 8) && references > 0 &&
         references < kMostReferences && type == code_type_;
}

bool PythonNames::read_code(uint64_t address, Code* out) const {
  const CodeLayout& layout = kCodeLayouts[minor_ - ring::kOldestPythonMinor];
  return is_code(address) && read_(address + layout.file, &out->file, 8) &&
         read_(address + layout.function, &out->function, 8) &&
         read_(address + layout.first_line, &out->first_line, 4) &&
         (layout.table == 0 || read_(address + layout.table, &out->table, 8));
}

const PythonNames::Text& PythonNames::text_of(const Code& code) {
  if (const auto at = known_.find(code); at != known_.end()) return at->second;
  if (known_.size() >= kMostKnown) known_.clear();
  return known_[code] = {text_at(code.file), text_at(code.function),
                         code.table != 0 ? bytes_at(code.table, kLongestTable) : std::string()};
}

std::string PythonNames::name(uint64_t word) {
  if (ring::is_python_version(word)) {
    minor_ = (word & ring::kPythonMinorMask) + ring::kOldestPythonMinor;
    if (minor_ - ring::kOldestPythonMinor >= std::size(kCodeLayouts)) minor_ = 0;
    code_type_ = ring::python_value(word) & ~ring::kPythonMinorMask;
    return {};
  }
  Code code;
  if (minor_ == 0 || !read_code(ring::python_value(word), &code)) return {};
  const Text& text = text_of(code);
  if (text.function.empty() || text.place.empty()) return {};
  const uint64_t unit = ring::python_unit(word);
  const int line = unit == ring::kPythonUnknownUnit ? code.first_line : line_of_unit(text.table, code.first_line, unit);
  return text.function + " at " + text.place + ":" + std::to_string(line);
}

}  // namespace oomcast::record
