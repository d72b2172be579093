// Reads from a program's file whether a preloaded library would keep the program from starting.
//
// The guest asks this before each exec, the recorder before it starts the program: no heap, a kilobyte of stack, a few small reads.
#pragma once

#include <elf.h>
#include <string.h>

#include <cstddef>
#include <cstdint>

namespace oomcast::ring {

/// `Io` has long open(const char* path), long read(long fd, void* to, size_t bytes, uint64_t offset) and void close(long fd), with
/// negative numbers for errors.
template <class Io>
class ProgramFile {
 public:
  explicit ProgramFile(Io io) : io_(io) {}

  /// True for a program of another C library or machine, for one that wants a sanitizer's runtime to be loaded first, and for a
  /// script that one of these interprets. False for what cannot be read: the kernel will have its own word on that.
  bool harmed_by_preload(const char* path, int depth = 0) {
    const long fd = io_.open(path);
    if (fd < 0) return false;
    char head[kHeadBytes + 1] = {};
    const long got = io_.read(fd, head, kHeadBytes, 0);
    bool harmed = false;
    const bool script = got > 2 && head[0] == '#' && head[1] == '!';
    if (!script && got >= static_cast<long>(sizeof(Elf64_Ehdr)) && memcmp(head, ELFMAG, SELFMAG) == 0) harmed = elf_harmed(fd, head, path);
    io_.close(fd);
    return script ? depth < kScriptsMax && interpreter_harmed(head, depth) : harmed;
  }

 private:
  static constexpr size_t kHeadBytes = 256, kNameBytes = 256;  // the kernel reads no more of a script's first line
  static constexpr int kScriptsMax = 4, kHeadersMax = 64, kEntriesMax = 512, kSegmentsMax = 16;
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

  bool interpreter_harmed(char* line, int depth) {
    char* at = line + 2;
    while (*at == ' ' || *at == '\t') ++at;
    char* const end = at + strcspn(at, " \t\r\n");
    if (end == at) return false;
    *end = '\0';
    return harmed_by_preload(at, depth + 1);
  }

  bool elf_harmed(long fd, const char* head, const char* path) {
    Elf64_Ehdr header;
    memcpy(&header, head, sizeof header);
    if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_machine != kMachine) return true;
    Elf64_Phdr dynamic{};
    segments_ = 0;
    bool has_interpreter = false;
    for (int i = 0; i < header.e_phnum && i < kHeadersMax; ++i) {
      Elf64_Phdr segment;
      if (io_.read(fd, &segment, sizeof segment, header.e_phoff + static_cast<uint64_t>(i) * header.e_phentsize) != static_cast<long>(sizeof segment)) return false;
      if (segment.p_type == PT_LOAD && segments_ < kSegmentsMax) loaded_[segments_++] = {segment.p_vaddr, segment.p_filesz, segment.p_offset};
      if (segment.p_type == PT_DYNAMIC) dynamic = segment;
      if (segment.p_type != PT_INTERP) continue;
      has_interpreter = true;
      char name[kNameBytes + 1] = {};
      if (io_.read(fd, name, segment.p_filesz < kNameBytes ? segment.p_filesz : kNameBytes, segment.p_offset) <= 0) return false;
      if (!is_glibc_loader(name)) return true;
    }
    // Without an interpreter it is static, and loads nothing, or a loader that was called by its own name.
    if (!has_interpreter) return begins(last_part(path), "ld-musl");
    return dynamic.p_filesz != 0 && wants_to_be_first(fd, dynamic);
  }

  static bool is_glibc_loader(const char* path) {
    const char* const name = last_part(path);
    return begins(name, "ld-linux") || begins(name, "ld-lsb");
  }

  /// Whether it is linked with a sanitizer's shared runtime, which refuses to start behind another library.
  bool wants_to_be_first(long fd, const Elf64_Phdr& dynamic) {
    const uint64_t count = dynamic.p_filesz / sizeof(Elf64_Dyn);
    uint64_t strings = 0;
    for (int pass = 0; pass < 2; ++pass)
      for (uint64_t i = 0; i < count && i < kEntriesMax; ++i) {
        Elf64_Dyn entry;
        if (io_.read(fd, &entry, sizeof entry, dynamic.p_offset + i * sizeof entry) != static_cast<long>(sizeof entry) || entry.d_tag == DT_NULL) break;
        if (pass == 0 && entry.d_tag == DT_STRTAB) strings = offset_of(entry.d_un.d_ptr);
        if (pass == 1 && entry.d_tag == DT_NEEDED && is_sanitizer(fd, strings + entry.d_un.d_val)) return true;
      }
    return false;
  }

  bool is_sanitizer(long fd, uint64_t offset) {
    char name[32] = {};
    if (io_.read(fd, name, sizeof name - 1, offset) <= 0) return false;
    for (const char* runtime : {"libasan.so", "libtsan.so", "libhwasan.so", "libclang_rt.asan", "libclang_rt.tsan", "libclang_rt.hwasan"})
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
  Loaded loaded_[kSegmentsMax] = {};
  int segments_ = 0;
};

}  // namespace oomcast::ring
