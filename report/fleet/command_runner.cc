// Runs another program and returns its output. See command_runner.h.
#include "report/fleet/command_runner.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

extern char** environ;

namespace oomcast::report {
namespace {

/// Two pipes, for stdout and stderr of a child.
class Pipes {
 public:
  ~Pipes() {
    for (const auto& pipe : ends_)
      for (const int fd : pipe)
        if (fd >= 0) ::close(fd);
  }
  bool open() { return ::pipe2(ends_[0].data(), O_CLOEXEC) == 0 && ::pipe2(ends_[1].data(), O_CLOEXEC) == 0; }
  void give_to_child(posix_spawn_file_actions_t& actions) const {
    ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, ends_[0][1], STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, ends_[1][1], STDERR_FILENO);
  }
  /// Reads until both pipes are at their end.
  void read(CommandResult& result) {
    for (auto& pipe : ends_) {
      ::close(pipe[1]);
      pipe[1] = -1;
    }
    std::array<pollfd, 2> polls{{{ends_[0][0], POLLIN, 0}, {ends_[1][0], POLLIN, 0}}};
    std::array<std::string*, 2> texts{&result.out, &result.err};
    while (polls[0].fd >= 0 || polls[1].fd >= 0) {
      if (::poll(polls.data(), polls.size(), -1) < 0 && errno != EINTR) return;
      for (size_t i = 0; i < polls.size(); ++i) {
        if (polls[i].fd < 0 || polls[i].revents == 0) continue;
        char bytes[4096];
        const ssize_t n = ::read(polls[i].fd, bytes, sizeof bytes);
        if (n > 0) texts[i]->append(bytes, static_cast<size_t>(n));
        if (n == 0 || (n < 0 && errno != EINTR)) polls[i].fd = -1;
      }
    }
  }

 private:
  std::array<std::array<int, 2>, 2> ends_{{{-1, -1}, {-1, -1}}};
};

int wait_for(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

Result<CommandResult> run_command_line(const std::vector<std::string>& words) {
  Pipes pipes;
  if (!pipes.open()) return Error{words[0] + ": " + std::strerror(errno)};
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  pipes.give_to_child(actions);
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_t pid = 0;
  const int failed = ::posix_spawnp(&pid, words[0].c_str(), &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return Error{words[0] + ": " + std::strerror(failed)};
  CommandResult result;
  pipes.read(result);
  result.status = wait_for(pid);
  return result;
}

}  // namespace oomcast::report
