// The library exports what it hooks, and nothing else.
#include "preload/inject/hook_list.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <oomcast_paths.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>

namespace {

std::string export_list() {
  std::ifstream file(std::string(OOMCAST_SOURCE_DIR) + "/preload/inject/liboomcast.map");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(HookList, EveryHookIsExported) {
  const std::string exported = export_list();
#define OOMCAST_EXPECT(result, name, parameters) EXPECT_NE(exported.find(" " #name ";"), std::string::npos) << #name;
  OOMCAST_HOOKS(OOMCAST_EXPECT)
#undef OOMCAST_EXPECT
#define OOMCAST_EXPECT_OWN(name) EXPECT_NE(exported.find(" " #name ";"), std::string::npos) << #name;
  OOMCAST_OWN_HOOKS(OOMCAST_EXPECT_OWN)
#undef OOMCAST_EXPECT_OWN
}

/// Names of libc that allocate, map, copy processes or end them and are not hooked, with the reasons.
const std::pair<const char*, const char*> kLeftOut[] = {
    {"_IO_.*|_obstack.*|obstack_.*|argp_.*|.*_2|strpbrk|wcspbrk|__strpbrk.*|regfree|regexec|re_exec|rexec.*|wordfree|"
     "globfree.*|xdr_free|svc_exit|inet6_option_alloc|if_freenameindex|free(addrinfo|ifaddrs|locale)|__freelocale|__"
     "sched_cpu.*",
     "call malloc and free, or only sound like them"},
    {"__libc_(malloc|calloc|realloc|free|memalign|valloc|pvalloc|reallocarray)",
     "for allocators' own use; what they map is found by its pages, and hooking them crashes jemalloc-linked programs"},
    {"__libc_(alloc_buffer|allocate|alloca_cutoff|scratch|freeres).*", "internal to libc"},
    {"__(malloc|realloc|memalign|free|after_morecore|malloc_initialize)_hook|__morecore|__default_morecore",
     "variables, or of another libc"},
    {"malloc_(info|stats)|__cxa_.*|__cyg_profile.*|on_exit|obstack_exit_failure|argp_err_exit_status|pthread_exit|thrd_"
     "exit|pthread_atfork|__register_atfork|exit",
     "allocate nothing and end no process, or run our handler (on_exit)"},
    {"__mmap|__munmap|__mprotect|__madvise|__sbrk|__curbrk|posix_madvise|remap_file_pages|msync|mincore|swapo(n|ff)|"
     "swapcontext",
     "libc's own calls and advice: frees are reported by the kernel, mappings found by malloc's check and the scan"},
    {"(|__)(getrlimit(|64)|arch_prctl)", "ask only, or concern registers"},
    {"memfd_create|shm_open|shm(at|get)|__shm_get_name|pkey_(alloc|free|get|set)",
     "make no pages of a process: shared mappings are found by the scan"},
    {"(|_|__|__libc_)[fF]ork|forkpty|daemon",
     "run the fork handlers, or are noticed by the page that a fork wipes (_Fork)"},
    {"vfork|__vfork|clone|__clone|posix_spawn.*|(f|)exec.*",
     "the child shares our memory until it execs, and says hello then; a copy is noticed by the page that a fork "
     "wipes"},
    {"process_mrelease|.*affinity.*|.*sigalt.*",
     "concern no memory of the caller, or are hooked where they say where memory comes from"},
};

std::string why_left_out(const std::string& name) {
  for (const auto& [pattern, reason] : kLeftOut)
    if (std::regex_match(name, std::regex(pattern))) return reason;
  return "";
}

TEST(HookList, EveryNameOfLibcIsHookedOrHasItsReason) {
  const std::regex family(
      ".*(alloc|free|memalign|mmap|munmap|mremap|madvise|brk|mprotect|mlock|munlock|memfd|shm|fork|Fork|clone|spawn|"
      "exec|exit|Exit|affinity|rlimit.*|prctl|syscall|remap|morecore|mrelease|swapo).*");
  const std::string exported = export_list();
  Dl_info libc{};
  ASSERT_NE(::dladdr(reinterpret_cast<void*>(&::getppid), &libc), 0);
  FILE* names = ::popen((std::string("nm -D --defined-only ") + libc.dli_fname).c_str(), "r");
  ASSERT_NE(names, nullptr);
  char line[512];
  int looked_at = 0;
  while (std::fgets(line, sizeof line, names) != nullptr) {
    char name[256] = {}, kind = 0;
    if (std::sscanf(line, "%*x %c %255[^@\n]", &kind, name) != 2 ||
        std::string("TtWwiDBV").find(kind) == std::string::npos)
      continue;
    if (!std::regex_match(name, family)) continue;
    ++looked_at;
    const bool hooked = exported.find(std::string(" ") + name + ";") != std::string::npos;
    EXPECT_TRUE(hooked || !why_left_out(name).empty()) << name << ": hook it, or say here why not";
  }
  ::pclose(names);
  EXPECT_GT(looked_at, 100);
}

TEST(HookList, TheLibraryLoadsAndHoldsItsHooks) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::setenv("OOMCAST_SOCKET", "@oomcast-there-is-no-recorder", 1);
    void* const library = ::dlopen(OOMCAST_BINARY_DIR "/preload/liboomcast.so", RTLD_NOW | RTLD_LOCAL);
    void* const hook = library == nullptr ? nullptr : ::dlsym(library, "malloc");
    ::_exit(hook != nullptr && hook != ::dlsym(RTLD_DEFAULT, "malloc") ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
