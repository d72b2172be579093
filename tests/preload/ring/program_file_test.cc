// Programs that a preloaded library would keep from starting are recognised, in small files that the test makes.
#include "preload/ring/program_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

namespace oomcast::ring {
namespace {

struct Io {
  long open(const char* path) { return ::open(path, O_RDONLY | O_CLOEXEC); }
  long read(long fd, void* to, size_t bytes, uint64_t offset) {
    return ++reads, ::pread(static_cast<int>(fd), to, bytes, static_cast<off_t>(offset));
  }
  void close(long fd) { ::close(static_cast<int>(fd)); }
  static inline int reads = 0;
};

constexpr const char* kGlibc = "/lib64/ld-linux-x86-64.so.2";

class ProgramFiles : public testing::Test {
 protected:
  ProgramFiles() {
    char name[] = "/tmp/oomcast-program.XXXXXX";
    directory_ = ::mkdtemp(name);
  }
  ~ProgramFiles() override { std::filesystem::remove_all(directory_); }

  std::string file(const std::string& name, const std::string& bytes) const {
    std::ofstream(directory_ + "/" + name, std::ios::binary) << bytes;
    return directory_ + "/" + name;
  }

  /// An ELF file with one loaded segment, an interpreter and a list of needed libraries; an empty interpreter: none.
  std::string elf(const std::string& name, const std::string& interpreter,
                  const std::string& needed = "libc.so.6") const {
    constexpr uint64_t kAddress = 0x400000, kText = 512, kTable = 1024, kStrings = 2048;
    std::string bytes(4096, '\0');
    const auto put = [&](uint64_t at, const auto& value) {
      bytes.replace(at, sizeof value, reinterpret_cast<const char*>(&value), sizeof value);
    };
    Elf64_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
#if defined(__x86_64__)
    header.e_machine = EM_X86_64;
#else
    header.e_machine = EM_AARCH64;
#endif
    header.e_phoff = sizeof header;
    header.e_phentsize = sizeof(Elf64_Phdr);
    header.e_phnum = interpreter.empty() ? 2 : 3;
    put(0, header);
    const auto segment = [&](int index, uint32_t type, uint64_t offset, uint64_t size) {
      Elf64_Phdr entry{};
      entry.p_type = type;
      entry.p_offset = offset;
      entry.p_vaddr = kAddress + offset;
      entry.p_filesz = size;
      put(sizeof header + static_cast<uint64_t>(index) * sizeof entry, entry);
    };
    segment(0, PT_LOAD, 0, bytes.size());
    segment(1, PT_DYNAMIC, kTable, 3 * sizeof(Elf64_Dyn));
    if (!interpreter.empty()) segment(2, PT_INTERP, kText, interpreter.size() + 1);
    bytes.replace(kText, interpreter.size(), interpreter);
    Elf64_Dyn entry{};
    entry.d_tag = DT_NEEDED;
    entry.d_un.d_val = 1;
    put(kTable, entry);
    entry.d_tag = DT_STRTAB;
    entry.d_un.d_ptr = kAddress + kStrings;
    put(kTable + sizeof entry, entry);
    bytes.replace(kStrings + 1, needed.size(), needed);
    return file(name, bytes);
  }
  static bool harmed(const std::string& path) { return ProgramFile<Io>({}).harmed_by_preload(path.c_str()); }

  std::string directory_;
};

TEST_F(ProgramFiles, OfThisCLibraryTakeIt) {
  EXPECT_FALSE(harmed(elf("plain", kGlibc)));
  EXPECT_FALSE(harmed("/proc/self/exe"));
  EXPECT_FALSE(harmed(file("script", "#!/bin/sh\necho\n")));
}

TEST_F(ProgramFiles, OfAnotherCLibraryOrMachineDoNot) {
  EXPECT_TRUE(harmed(elf("musl", "/lib/ld-musl-x86_64.so.1")));
  EXPECT_TRUE(harmed(elf("android", "/system/bin/linker64")));
  std::string narrow = "\177ELF";
  narrow.resize(256, '\0');
  narrow[EI_CLASS] = ELFCLASS32;
  EXPECT_TRUE(harmed(file("narrow", narrow)));
}

TEST_F(ProgramFiles, WithASanitizersRuntimeDoNot) {
  EXPECT_TRUE(harmed(elf("asan", kGlibc, "libasan.so.8")));
  EXPECT_TRUE(harmed(elf("tsan", kGlibc, "libtsan.so.2")));
  EXPECT_TRUE(harmed(elf("clang", kGlibc, "libclang_rt.asan-x86_64.so")));
  EXPECT_FALSE(harmed(elf("lookalike", kGlibc, "liboasan.so")));
}

// A shell asks before each program that it starts.
TEST_F(ProgramFiles, AreReadInFewPieces) {
  for (const std::string& path : {std::string("/bin/true"), std::string("/proc/self/exe"), elf("plain", kGlibc),
                                  elf("asan", kGlibc, "libasan.so.8")}) {
    Io::reads = 0;
    harmed(path);
    EXPECT_LE(Io::reads, 6) << path;
    EXPECT_GE(Io::reads, 1) << path;
  }
}

TEST_F(ProgramFiles, AHarmfulNameIsFoundWhereverItStands) {
  elf("musl", "/lib/ld-musl-x86_64.so.1");
  EXPECT_TRUE(harmed(file("padded", "#!" + std::string(150, ' ') + directory_ + "/musl\n" + std::string(5000, 'x'))));
  EXPECT_FALSE(harmed(file("beyond", "#!" + std::string(260, ' ') + directory_ + "/musl\n")))
      << "the kernel reads no more of the line";
}

TEST_F(ProgramFiles, StaticOnesDoNotCare) { EXPECT_FALSE(harmed(elf("static", ""))); }

TEST_F(ProgramFiles, AScriptIsItsInterpreter) {
  const std::string musl = elf("musl", "/lib/ld-musl-x86_64.so.1");
  EXPECT_TRUE(harmed(file("direct", "#!" + musl + "\n")));
  EXPECT_TRUE(harmed(file("spaced", "#! \t" + musl + " -x\n")));
  EXPECT_TRUE(harmed(file("twice", "#!" + directory_ + "/direct\n")));
  EXPECT_FALSE(harmed(file("itself", "#!" + directory_ + "/itself\n")));
}

TEST_F(ProgramFiles, WhatCannotBeReadIsTheKernelsAffair) {
  EXPECT_FALSE(harmed(directory_ + "/none"));
  EXPECT_FALSE(harmed(directory_));
  EXPECT_FALSE(harmed(file("empty", "")));
  EXPECT_FALSE(harmed(file("short", "\177ELF")));
  EXPECT_FALSE(harmed(file("hash", "#!\n")));
}

}  // namespace
}  // namespace oomcast::ring
