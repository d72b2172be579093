// The verbs that watch a program, feed the model or look at this machine: one file each, of the verb's name.
//
// Only this folder knows both the recorder and the model. The verbs that read finished reports live with their subject:
// check and diff in gates/, page in page/, export in export/, show in show/.
#pragma once

#include <optional>
#include <string>

#include "report/command_line.h"

namespace oomcast::report {

/// Each returns the exit status of the command, and has said what went wrong.
int run_command(RunOptions options);
int attach_command(const RunOptions& options, const AttachOptions& to);
int replay_command(const CommandLine& line);
int sweep_command(const CommandLine& line);
int fit_command(CommandLine line);
int host_show_command(const std::string& name, std::optional<int> nth, bool json);
int explain_command(const ExplainOptions& options);
/// Into a directory, or packed into a file (`-`: stdout) if that is not empty.
int host_capture_command(const std::string& directory, const std::string& file);
int doctor_command();
/// LD_PRELOAD=liboomcast.so PROGRAM: the library has started us and waits for an answer on the socket.
int attached_command(int hello_socket_fd);

/// Before anything else: no file of ours may get the number of a closed standard stream.
void open_standard_streams();
/// What spdlog says goes to stderr, from this level on.
void start_log(const std::string& level);

}  // namespace oomcast::report
