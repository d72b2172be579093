// Implements run(), which starts a program with the library, and attach(), for a program that loaded the library
// itself.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <mimalloc.h>
#include <spdlog/spdlog.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

#include "preload/record/kernel/proc_file.h"
#include "preload/record/kernel/userfaultfd_fetcher.h"
#include "preload/record/own_process.h"
#include "preload/record/session.h"
#include "preload/record/tracker.h"

extern char** environ;

namespace oomcast::record {
namespace {

bool readable(const std::string& path) { return ::access(path.c_str(), R_OK) == 0; }

Result<std::string> find_library(const RecordOptions& options) {
  if (!options.library_path.empty()) {
    if (readable(options.library_path)) return options.library_path;
    return Error{options.library_path + ": cannot read the capture library"};
  }
  char self[4096];
  const ssize_t length = ::readlink("/proc/self/exe", self, sizeof self - 1);
  std::string directory = length > 0 ? std::string(self, static_cast<size_t>(length)) : std::string();
  directory.resize(directory.rfind('/') == std::string::npos ? 0 : directory.rfind('/'));
  const std::string install(OOMCAST_LIBRARY_INSTALL_DIR);
  // A relocated installation has the same path from bin to lib.
  const size_t lib = install.rfind("/lib");
  for (const std::string& candidate :
       {directory + "/liboomcast.so", directory + "/../preload/liboomcast.so",
        directory + "/.." + (lib == std::string::npos ? "" : install.substr(lib)) + "/liboomcast.so",
        install + "/liboomcast.so", std::string(OOMCAST_LIBRARY_BUILD_DIR) + "/liboomcast.so"})
    if (readable(candidate)) {
      char* real = ::realpath(candidate.c_str(), nullptr);
      std::string path = real != nullptr ? real : candidate;
      std::free(real);
      return path;
    }
  return Error{"liboomcast.so not found beside the program or in " + install +
               "; was oomcast installed with `cmake --install`?"};
}

/// Path of the libmimalloc.so that this process uses, for the guest to preload. Empty: mimalloc is linked statically.
std::string mimalloc_library() {
  Dl_info info{};
  if (::dladdr(reinterpret_cast<void*>(&mi_version), &info) == 0 || info.dli_fname == nullptr) return {};
  char* real = ::realpath(info.dli_fname, nullptr);
  std::string path = real != nullptr ? real : "";
  std::free(real);
  return path.find("libmimalloc") == std::string::npos ? std::string() : path;
}

/// Environment of the guest. Made before fork(), because the child may not allocate.
std::vector<std::string> guest_environment(const std::string& library, const std::string& socket_name,
                                           const RecordOptions& options) {
  std::vector<std::string> out;
  std::string preload = "LD_PRELOAD=" + library;
  if (options.use_mimalloc) preload += ":" + mimalloc_library();
  for (char** at = environ; *at != nullptr; ++at) {
    const std::string entry = *at;
    if (entry.starts_with("LD_PRELOAD=") && !library.empty()) {
      if (entry.size() > 11) preload += ":" + entry.substr(11);
    } else if (!entry.starts_with("OOMCAST_SOCKET=") && !entry.starts_with("OOMCAST_PRESENT=")) {
      out.push_back(entry);
    }
  }
  if (!library.empty()) out.push_back(preload);
  out.push_back("OOMCAST_SOCKET=" + socket_name);
  out.insert(out.end(), options.environment.begin(), options.environment.end());
  return out;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (std::string& text : strings) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

void wait_for_end_of(const int (&pipe)[2]) {
  ::close(pipe[1]);
  char byte;
  static_cast<void>(!::read(pipe[0], &byte, sizeof byte));
}

/// Gives the memory back that reading the host took, before the program starts. (The calls of mi_ functions have to
/// stay here: the linker would drop a library of which nothing is used, and malloc would not be mimalloc's.)
void give_back_unused_memory() {
  mi_collect(true);
  spdlog::debug("allocator: mimalloc {}", mi_version());
}

}  // namespace

Result<trace::CaptureSummary> run(const RecordOptions& options, trace::EventSink& sink) {
  const Preflight preflight = check_command(options);
  if (!preflight.ok()) return Error{preflight.message};
  Result<std::string> library = find_library(options);
  if (!library.ok()) return library.error();
  if (library.value().find_first_of(" :") != std::string::npos)
    return Error{library.value() +
                 ": the dynamic linker cannot preload a path with a space or a colon; move the library"};
  give_back_unused_memory();
  if (options.use_mimalloc && mimalloc_library().empty())
    return Error{"--allocator mimalloc: no libmimalloc.so to preload; apt-get install libmimalloc2.0"};

  const Result<TrackerKind> tracker = choose_tracker(options.tracker, probe());
  if (!tracker.ok()) return tracker.error();
  const SignalsHeld held;
  Session session(options, tracker.value(), sink);
  if (Result<void> listening = session.listen(""); !listening.ok()) return listening.error();
  std::vector<std::string> arguments = options.command;
  // A static program ignores the library, but programs that it starts may load it.
  const bool without_library = preflight.library == LibraryUse::kBreaks;
  std::vector<std::string> environment =
      guest_environment(without_library ? "" : library.value(), session.socket_name(), options);
  std::vector<char*> argv = pointers(arguments), envp = pointers(environment);
  // A program whose touches are to be held waits before its exec until the recorder traces it.
  const bool is_held = preflight.library != LibraryUse::kLoads && session.holds_starts();
  int report[2], gate[2] = {-1, -1};
  if (::pipe2(report, O_CLOEXEC) != 0 || (is_held && ::pipe2(gate, O_CLOEXEC) != 0))
    return Error{std::string("pipe: ") + std::strerror(errno)};
  // Not posix_spawn(): it has no attributes for the limits and the oom_score_adj that the guest gets back.
  const pid_t child = ::fork();
  if (child < 0) return Error{std::string("fork: ") + std::strerror(errno)};
  if (child == 0) {
    become_guest();
    // Where the library is loaded, it does this. A huge page of this machine would hide which of its pages are touched.
    if (preflight.library != LibraryUse::kLoads) ::prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
    if (is_held) wait_for_end_of(gate);
    ::execve(preflight.program.c_str(), argv.data(), envp.data());
    const int error = errno;
    static_cast<void>(!::write(report[1], &error, sizeof error));
    ::_exit(127);
  }
  HeldStart start;
  if (is_held) start.begin(child);
  for (const int end : {gate[0], gate[1], report[1]})
    if (end >= 0) ::close(end);
  int error = 0;
  const bool failed = ::read(report[0], &error, sizeof error) == static_cast<ssize_t>(sizeof error);
  ::close(report[0]);
  if (failed) {
    ::waitpid(child, nullptr, 0);
    return Error{preflight.program + ": " + std::strerror(error)};
  }
  if (preflight.library != LibraryUse::kLoads) session.expect_no_hello();
  session.add_root(static_cast<uint32_t>(child), true);
  session.hold_at_start(std::move(start));
  session.loop();
  return session.finish();
}

void tell_program(int hello_socket_fd, const std::string& line) {
  struct stat own {
  }, null{};
  if (::fstat(STDERR_FILENO, &own) == 0 && ::stat("/dev/null", &null) == 0 && own.st_rdev != null.st_rdev) return;
  ucred peer{};
  socklen_t length = sizeof peer;
  if (::getsockopt(hello_socket_fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return;
  const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, peer.pid, 0)));
  UniqueFd stream(static_cast<int>(::syscall(SYS_pidfd_getfd, process.get(), STDERR_FILENO, 0)));
  // If pidfd_getfd() is not permitted, the file may still be opened, unless it is a socket.
  if (!stream)
    stream = UniqueFd(::open((proc_of(peer.pid) + "fd/2").c_str(), O_WRONLY | O_APPEND | O_NOCTTY | O_CLOEXEC));
  if (stream) static_cast<void>(!::write(stream.get(), line.data(), line.size()));
}

Result<trace::CaptureSummary> attach(int hello_socket_fd, const RecordOptions& given, trace::EventSink& sink) {
  ucred peer{};
  socklen_t length = sizeof peer;
  if (::getsockopt(hello_socket_fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0)
    return Error{"descriptor " + std::to_string(hello_socket_fd) +
                 " is not a socket from the capture library: " + std::strerror(errno)};
  give_back_unused_memory();
  RecordOptions options = given;
  if (options.command.empty()) {
    std::string text = read_whole_path(proc_of(peer.pid) + "cmdline");
    for (size_t at = 0; at < text.size(); at += options.command.back().size() + 1)
      options.command.emplace_back(text.c_str() + at);
  }
  const Result<TrackerKind> tracker = choose_tracker(options.tracker, probe());
  if (!tracker.ok()) return tracker.error();
  const SignalsHeld held;
  Session session(options, tracker.value(), sink);
  const char* name = std::getenv("OOMCAST_SOCKET");
  if (Result<void> listening = session.listen(name != nullptr ? name : ""); !listening.ok()) return listening.error();
  session.add_connection(hello_socket_fd);
  session.add_root(static_cast<uint32_t>(peer.pid), false);
  session.loop();
  return session.finish();
}

}  // namespace oomcast::record
