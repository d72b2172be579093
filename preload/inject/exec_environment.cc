// Decides with which environment a program is started. All of it may run in vfork children: no heap, and nothing is
// written except into the caller's memory (take_library_out_of_environment() is for the process itself).
#include "preload/inject/exec_environment.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include <iterator>

#include "preload/inject/agent.h"
#include "preload/inject/counted.h"
#include "preload/inject/raw_syscall.h"
#include "preload/ring/program_file.h"

extern "C" char** environ;

namespace oomcast::inject {
namespace {

constexpr char kVariable[] = "LD_PRELOAD=";
constexpr size_t kVariableBytes = sizeof kVariable - 1;
char own_path[PATH_MAX];
char own_preload[PATH_MAX + 64];  // replaces the variable of environ, without the library

struct ProgramIo {
  long open(const char* path) {
    return raw_syscall(SYS_openat, AT_FDCWD, arg(path), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  }
  long read(long fd, void* to, size_t bytes, uint64_t offset) {
    return raw_syscall(SYS_pread64, fd, arg(to), static_cast<long>(bytes), static_cast<long>(offset));
  }
  void close(long fd) { raw_syscall(SYS_close, fd); }
};

bool is_separator(char c) { return c == ':' || c == ' '; }

/// Whether a name in LD_PRELOAD is this library: its path as the loader opened it, or the same file name.
bool is_own_library(const char* name, size_t length) {
  if (length == strlen(own_path) && memcmp(name, own_path, length) == 0) return true;
  const char* const slash = strrchr(own_path, '/');
  const char* const file = slash != nullptr ? slash : own_path;
  const size_t file_length = strlen(file);
  return length >= file_length && memcmp(name + length - file_length, file, file_length) == 0;
}

/// Writes the list without this library to `out`, if that is not null. Returns the length.
size_t rest_of_list(const char* list, char* out) {
  size_t used = 0;
  while (*list != '\0') {
    size_t length = 0;
    while (list[length] != '\0' && !is_separator(list[length])) ++length;
    if (length > 0 && !is_own_library(list, length)) {
      const size_t gap = used > 0 ? 1 : 0;
      if (out != nullptr) {
        if (gap != 0) out[used] = ':';
        memcpy(out + used + gap, list, length);
      }
      used += gap + length;
    }
    list += length;
    if (*list != '\0') ++list;
  }
  if (out != nullptr) out[used] = '\0';
  return used;
}

/// Asks the kernel whether memory can be read, once for each page while there are only a few pages.
class ReadablePages {
 public:
  bool holds(const void* address) {
    const uint64_t page = reinterpret_cast<uint64_t>(address) >> 12;
    uint64_t& last = last_[page % std::size(last_)];
    if (page != 0 && last == page) return true;
    if (!is_readable(address)) return false;
    last = page;
    return true;
  }

 private:
  uint64_t last_[8] = {};
};

/// Whether the whole environment can be read. The guest may pass any pointer, and execve() then fails with EFAULT.
bool all_readable(char* const* envp) {
  if (envp == environ || agent_sealed.load(std::memory_order_relaxed)) return true;
  ReadablePages pages;
  for (;; ++envp) {
    if (!pages.holds(envp)) return false;
    if (*envp == nullptr) return true;
    if (!pages.holds(*envp)) return false;
  }
}

/// The LD_PRELOAD variable in `envp`, if it names this library; else null.
char* const* preload_variable(char* const* envp) {
  if (envp == nullptr || own_path[0] == '\0' || !all_readable(envp)) return nullptr;
  for (; *envp != nullptr; ++envp)
    if (strncmp(*envp, kVariable, kVariableBytes) == 0)
      return rest_of_list(*envp + kVariableBytes, nullptr) < strlen(*envp + kVariableBytes) ? envp : nullptr;
  return nullptr;
}

}  // namespace

void find_own_name() {
  Dl_info where;
  if (dladdr(reinterpret_cast<void*>(&find_own_name), &where) == 0 || where.dli_fname == nullptr) return;
  if (strlen(where.dli_fname) < sizeof own_path) strcpy(own_path, where.dli_fname);
}

EnvironmentRoom room_without_library(const char* path, char* const* envp) {
  const Counted counted;
  char* const* const variable = preload_variable(envp);
  if (variable == nullptr) return {};
  // The new program is under the filter too. What the filter allows is unknown, so the program is not examined.
  if (!counted.sealed() && !ring::ProgramFile<ProgramIo>({}).harmed_by_preload(path)) return {};
  EnvironmentRoom room;
  for (char* const* at = envp; *at != nullptr; ++at) ++room.pointers;
  ++room.pointers;
  room.text_bytes = strlen(*variable) + 1;
  return room;
}

void copy_without_library(char* const* envp, char** pointers, char* text) {
  char* const* const variable = preload_variable(envp);
  for (; *envp != nullptr; ++envp) {
    if (envp != variable) {
      *pointers++ = *envp;
    } else if (memcpy(text, kVariable, kVariableBytes),
               rest_of_list(*envp + kVariableBytes, text + kVariableBytes) > 0) {
      *pointers++ = text;
    }
  }
  *pointers = nullptr;
}

void take_library_out_of_environment() {
  auto variable = const_cast<char**>(preload_variable(environ));
  if (variable == nullptr || strlen(*variable) >= sizeof own_preload) return;
  memcpy(own_preload, kVariable, kVariableBytes);
  if (rest_of_list(*variable + kVariableBytes, own_preload + kVariableBytes) > 0) {
    *variable = own_preload;
    return;
  }
  for (; *variable != nullptr; ++variable) *variable = variable[1];
}

}  // namespace oomcast::inject
