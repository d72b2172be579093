// ProgramFile: finds out from a program's file whether a preloaded library would keep the program from starting.
//
// Used by the guest before each exec, and by the recorder before it starts a program: no heap, 2 KiB of stack, few
// reads.
#pragma once

#include <elf.h>
#include <string.h>

#include <cstddef>
#include <cstdint>

namespace oomcast::ring {

/// `Io` has long open(const char* path), long read(long fd, void* to, size_t bytes, uint64_t offset) and void
/// close(long fd). Negative results are errors.
template <class Io>
class ProgramFile {
 public:
  explicit ProgramFile(Io io) : io_(io) {}

  /// True: the program is for another C library or machine, or is linked with a sanitizer's runtime that must be loaded
  /// first; also for a script with such an interpreter. False if the file cannot be read: the kernel will report that.
  bool harmed_by_preload(const char* path) {
    for (int depth = 0; depth <= kScriptsMax; ++depth) {
      fd_ = io_.open(path);
      if (fd_ < 0) return false;
      held_ = 0;
      const char* const head = at(0, 3, 3);
      const bool script = head != nullptr && head[0] == '#' && head[1] == '!';
      const bool harmed = !script && head != nullptr && elf_harmed(path);
      io_.close(fd_);
      if (!script || !take_interpreter(head)) return harmed;
      path = name_;
    }
    return false;
  }

 private:
  static constexpr size_t kHeldBytes = 1024, kNameBytes = 256;  // as much as the kernel reads of a #! line
  static constexpr size_t kRuntimeBytes = sizeof "libclang_rt.hwasan";
  static constexpr int kScriptsMax = 4, kHeadersMax = 64, kEntriesMax = 512, kSegmentsMax = 16, kNeededMax = 32;
#if defined(__x86_64__)
  static constexpr uint16_t kMachine = EM_X86_64;
#elif defined(__aarch64__)
  static constexpr uint16_t kMachine = EM_AARCH64;
#endif

  static bool begins(const char* text, const char* with) { return strncmp(text, with, strlen(with)) == 0; }
  static const char* last_part(const char* path) {
    const char* const slash = strrchr(path, '/');
    return slash != nullptr ? slash + 1 : path;
  }

  /// Up to `wanted` bytes at `offset` of the file, followed by a null byte. Null: less than `least` are there. Valid
  /// until the next call.
  const char* at(uint64_t offset, size_t wanted, size_t least) {
    if (!holds(offset, wanted)) {
      const long got = io_.read(fd_, held_bytes_, kHeldBytes, offset);
      held_from_ = offset;
      held_ = got > 0 ? static_cast<size_t>(got) : 0;
      held_bytes_[held_] = '\0';
    }
    return holds(offset, least) ? held_bytes_ + (offset - held_from_) : nullptr;
  }
  bool holds(uint64_t offset, size_t bytes) const {
    return offset >= held_from_ && offset - held_from_ <= held_ && held_ - (offset - held_from_) >= bytes;
  }

  template <class T>
  bool read_as(uint64_t offset, T* to) {
    const char* const bytes = at(offset, sizeof *to, sizeof *to);
    if (bytes != nullptr) memcpy(to, bytes, sizeof *to);
    return bytes != nullptr;
  }

  /// Sets name_ to the interpreter in a #! line. False: the line names none.
  bool take_interpreter(const char* line) {
    const size_t length = strnlen(line, kNameBytes);
    size_t from = 2, to;
    while (from < length && (line[from] == ' ' || line[from] == '\t')) ++from;
    for (to = from; to < length && strchr(" \t\r\n", line[to]) == nullptr;) ++to;
    memcpy(name_, line + from, to - from);
    name_[to - from] = '\0';
    return to > from;
  }

  bool elf_harmed(const char* path) {
    Elf64_Ehdr header;
    if (!read_as(0, &header) || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) return false;
    if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_machine != kMachine) return true;
    Elf64_Phdr dynamic{}, interpreter{};
    segments_ = 0;
    for (int i = 0; i < header.e_phnum && i < kHeadersMax; ++i) {
      Elf64_Phdr segment;
      if (!read_as(header.e_phoff + static_cast<uint64_t>(i) * header.e_phentsize, &segment)) return false;
      if (segment.p_type == PT_LOAD && segments_ < kSegmentsMax)
        loaded_[segments_++] = {segment.p_vaddr, segment.p_filesz, segment.p_offset};
      if (segment.p_type == PT_DYNAMIC) dynamic = segment;
      if (segment.p_type == PT_INTERP) interpreter = segment;
    }
    // No PT_INTERP: a static program, which preloads nothing, or a loader called as a command.
    if (interpreter.p_type != PT_INTERP) return begins(last_part(path), "ld-musl");
    const char* const loader =
        interpreter.p_filesz > 0
            ? at(interpreter.p_offset, interpreter.p_filesz < kNameBytes ? interpreter.p_filesz : kNameBytes, 1)
            : nullptr;
    if (loader == nullptr) return false;
    return !is_glibc_loader(loader) || (dynamic.p_filesz != 0 && wants_to_be_first(dynamic));
  }

  static bool is_glibc_loader(const char* path) {
    const char* const name = last_part(path);
    return begins(name, "ld-linux") || begins(name, "ld-lsb");
  }

  /// Whether a sanitizer's shared runtime is among the DT_NEEDED entries; it refuses to start behind another library.
  /// The compiler puts it near the front, so 32 entries are enough.
  bool wants_to_be_first(const Elf64_Phdr& dynamic) {
    const uint64_t count = dynamic.p_filesz / sizeof(Elf64_Dyn);
    uint64_t strings = 0;
    uint32_t needed[kNeededMax];
    int needed_count = 0;
    for (uint64_t i = 0; i < count && i < kEntriesMax; ++i) {
      Elf64_Dyn entry;
      if (!read_as(dynamic.p_offset + i * sizeof entry, &entry) || entry.d_tag == DT_NULL) break;
      if (entry.d_tag == DT_STRTAB) strings = offset_of(entry.d_un.d_ptr);
      if (entry.d_tag == DT_NEEDED && needed_count < kNeededMax)
        needed[needed_count++] = static_cast<uint32_t>(entry.d_un.d_val);
    }
    for (int i = 0; i < needed_count; ++i)
      if (is_sanitizer(at(strings + needed[i], kRuntimeBytes, 1))) return true;
    return false;
  }

  static bool is_sanitizer(const char* name) {
    if (name == nullptr) return false;
    for (const char* runtime :
         {"libasan.so", "libtsan.so", "libhwasan.so", "libclang_rt.asan", "libclang_rt.tsan", "libclang_rt.hwasan"})
      if (begins(name, runtime)) return true;
    return false;
  }

  uint64_t offset_of(uint64_t address) const {
    for (int i = 0; i < segments_; ++i)
      if (address - loaded_[i].address < loaded_[i].bytes) return loaded_[i].offset + (address - loaded_[i].address);
    return address;
  }

  struct Loaded {
    uint64_t address, bytes, offset;
  };
  Io io_;
  long fd_ = -1;
  uint64_t held_from_ = 0;  // offset of held_bytes_ in the file
  size_t held_ = 0;
  char held_bytes_[kHeldBytes + 1];
  char name_[kNameBytes + 1];  // interpreter of a script
  Loaded loaded_[kSegmentsMax];
  int segments_ = 0;
};

}  // namespace oomcast::ring
