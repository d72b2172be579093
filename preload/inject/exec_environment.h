// Decides what environment a program is started with: without our library where that would keep the program from
// starting.
#pragma once

#include <stddef.h>

namespace oomcast::inject {

/// Where this library lies, as the loader knows it. Called once, while the process has one thread.
void find_own_name();

/// Room that the environment of a new program needs: its pointers and one changed string.
struct EnvironmentRoom {
  size_t pointers = 0;  // with the null behind the last one; 0: nothing is to be changed
  size_t text_bytes = 0;
};
/// For a program that is about to be started from `path` with `envp`. Allocates nothing: a vfork child has its parent's
/// memory.
EnvironmentRoom room_without_library(const char* path, char* const* envp);
/// `envp` less our library, put into memory of that size.
void copy_without_library(char* const* envp, char** pointers, char* text);

/// The same for environ itself, for all that is started from now on, libc's own system() and popen() included.
void take_library_out_of_environment();

}  // namespace oomcast::inject
