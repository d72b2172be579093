// Finds out before the start whether a command can be recorded, and whether it will load the library. Static, setuid
// and foreign programs ignore LD_PRELOAD without a word.
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "preload/record/kernel/proc_file.h"
#include "preload/record/kernel/unique_fd.h"
#include "preload/record/program_use.h"
#include "preload/record/recorder.h"
#include "preload/ring/program_file.h"

namespace oomcast::record {
namespace {

constexpr int kInterpreterDepthMax = 5;  // #! lines that are followed, as in exec_binprm()

Preflight refuse(PreflightProblem problem, std::string message) {
  return {problem, std::move(message), "", LibraryUse::kLoads};
}

std::string find_in_path(const std::string& name, bool* found_unusable) {
  const auto usable = [&](const std::string& path) {
    struct stat status;
    if (::stat(path.c_str(), &status) != 0 || S_ISDIR(status.st_mode)) return false;
    if (::access(path.c_str(), X_OK) == 0) return true;
    *found_unusable = true;
    return false;
  };
  if (name.find('/') != std::string::npos) {
    struct stat status;
    if (::stat(name.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) *found_unusable = true;
    return usable(name) ? name : "";
  }
  const char* variable = std::getenv("PATH");
  const std::string path = variable != nullptr ? variable : "/usr/local/bin:/usr/bin:/bin";
  for (size_t at = 0; at <= path.size();) {
    size_t end = path.find(':', at);
    if (end == std::string::npos) end = path.size();
    const std::string directory = end > at ? path.substr(at, end - at) : ".";
    if (const std::string candidate = directory + "/" + name; usable(candidate)) return candidate;
    at = end + 1;
  }
  return "";
}

struct ProgramIo {
  long open(const char* path) { return ::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); }
  long read(long fd, void* to, size_t bytes, uint64_t offset) {
    return ::pread(static_cast<int>(fd), to, bytes, static_cast<off_t>(offset));
  }
  void close(long fd) { ::close(static_cast<int>(fd)); }
};

/// ld.so as a command has no PT_INTERP, and yet preloads the library for the program that it loads.
bool is_dynamic_linker(const std::string& path) {
  const std::string name = path.substr(path.rfind('/') + 1);
  return name.starts_with("ld-linux") || name.starts_with("ld-lsb") || name.starts_with("ld.so");
}

/// Examines one ELF file: returns its problem, or what it does with the library.
Preflight check_elf(int fd, const std::string& path) {
  Elf64_Ehdr header{};
  if (::pread(fd, &header, sizeof header, 0) < static_cast<ssize_t>(sizeof(Elf32_Ehdr)))
    return refuse(PreflightProblem::kNotExecutable, path + ": too short to be a program");
  if (header.e_ident[EI_CLASS] != ELFCLASS64)
    return refuse(PreflightProblem::kForeignElf,
                  path + ": a 32-bit program; the capture library is 64-bit and cannot be loaded into it");
#if defined(__x86_64__)
  constexpr int kMachine = EM_X86_64;
#else
  constexpr int kMachine = EM_AARCH64;
#endif
  if (header.e_machine != kMachine)
    return refuse(PreflightProblem::kForeignElf, path + ": a program for another kind of processor");
  bool has_interpreter = false;
  for (int i = 0; i < header.e_phnum && i < 256; ++i) {
    Elf64_Phdr segment{};
    if (::pread(fd, &segment, sizeof segment,
                static_cast<off_t>(header.e_phoff + static_cast<uint64_t>(i) * header.e_phentsize)) !=
        static_cast<ssize_t>(sizeof segment))
      break;
    has_interpreter |= segment.p_type == PT_INTERP;
  }
  Preflight result;
  if (ring::ProgramFile<ProgramIo>({}).harmed_by_preload(path.c_str()))
    result.library = LibraryUse::kBreaks;
  else if (!has_interpreter && !is_dynamic_linker(path))
    result.library = LibraryUse::kIgnores;
  return result;
}

}  // namespace

bool loads_library(uint32_t pid) {
  std::array<char, 4096> name;
  const std::string exe = proc_of(pid) + "exe";
  const ssize_t length = ::readlink(exe.c_str(), name.data(), name.size());
  const UniqueFd fd(::open(exe.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd || length <= 0 || is_dynamic_linker({name.data(), static_cast<size_t>(length)})) return true;
  return check_elf(fd.get(), exe).library == LibraryUse::kLoads;
}

Preflight check_command(const RecordOptions& options) {
  if (options.command.empty()) return refuse(PreflightProblem::kNotFound, "no program given; put it after --");
  bool unusable = false;
  const std::string program = find_in_path(options.command[0], &unusable);
  if (program.empty())
    return unusable ? refuse(PreflightProblem::kNotExecutable, options.command[0] + ": not an executable file")
                    : refuse(PreflightProblem::kNotFound, options.command[0] + ": no such program");
  std::string path = program;
  for (int depth = 0;; ++depth) {
    struct stat status;
    UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd && errno == ENOENT)
      return refuse(PreflightProblem::kNotFound, program + ": its interpreter " + path + " does not exist");
    if (::stat(path.c_str(), &status) == 0) {
      // For the file's owner a setuid bit changes nothing.
      const bool setuid = (status.st_mode & S_ISUID) != 0 && status.st_uid != ::geteuid();
      const bool setgid =
          (status.st_mode & S_ISGID) != 0 && (status.st_mode & S_IXGRP) != 0 && status.st_gid != ::getegid();
      const bool capable = ::getxattr(path.c_str(), "security.capability", nullptr, 0) > 0 && ::geteuid() != 0;
      if (setuid || setgid || capable)
        return refuse(PreflightProblem::kSetuid, path + (capable ? ": has file capabilities" : ": setuid or setgid") +
                                                     ", so the dynamic linker ignores preloaded libraries; run a copy "
                                                     "without these privileges, or run oomcast as its owner");
    }
    if (!fd) return {std::nullopt, "", program, LibraryUse::kLoads};  // not readable: the kernel will decide
    char head[256] = {};
    const ssize_t got = ::pread(fd.get(), head, sizeof head - 1, 0);
    if (got >= 4 && std::memcmp(head, ELFMAG, SELFMAG) == 0) {
      Preflight looked_at = check_elf(fd.get(), path);
      looked_at.program = program;
      return looked_at;
    }
    if (got >= 3 && head[0] == '#' && head[1] == '!' && depth < kInterpreterDepthMax) {
      std::string line(head + 2);
      line.resize(std::min(line.find('\n'), line.size()));
      const size_t start = line.find_first_not_of(" \t");
      if (start == std::string::npos)
        return refuse(PreflightProblem::kNotExecutable, path + ": its #! line names no interpreter");
      path = line.substr(start, line.find_first_of(" \t", start) - start);
      continue;
    }
    return refuse(
        PreflightProblem::kNotExecutable,
        path + ": neither an ELF program nor a script with a #! line; start it through its interpreter, e.g. sh " +
            options.command[0]);
  }
}

}  // namespace oomcast::record
