// Decides with which environment a program is started: without this library if it would keep the program from starting.
#pragma once

#include <stddef.h>

namespace oomcast::inject {

/// Remembers this library's path as the loader knows it. Called once, while the process has one thread.
void find_own_name();

/// Memory that the changed environment of a new program needs.
struct EnvironmentRoom {
  size_t pointers = 0;  // including the final null; 0: nothing has to be changed
  size_t text_bytes = 0;
};
/// For a program that is to be started from `path` with `envp`. Allocates nothing: a vfork child shares its parent's
/// memory.
EnvironmentRoom room_without_library(const char* path, char* const* envp);
/// Copies `envp` without this library into memory of that size.
void copy_without_library(char* const* envp, char** pointers, char* text);

/// Takes the library out of environ, for all programs that are started later, also by libc's system() and popen().
void take_library_out_of_environment();

}  // namespace oomcast::inject
