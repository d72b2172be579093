// The verbs that record a program, run the model or examine this machine: one file each, named after the verb.
//
// Only this folder knows both the recorder and the model. The verbs that read finished reports are with their subject:
// check and diff in gates/, page in page/, export in export/, show in show/.
#pragma once

#include <optional>
#include <string>

#include "report/command_line.h"

namespace oomcast::report {

/// Each function prints its errors and returns the exit status of the command.
int run_command(RunOptions options);
int attach_command(const RunOptions& options, const AttachOptions& to);
int replay_command(const CommandLine& line);
int sweep_command(const CommandLine& line);
int fit_command(CommandLine line);
int host_show_command(const std::string& name, std::optional<int> nth, bool json);
int explain_command(const ExplainOptions& options);
/// Writes a snapshot into a directory, or packed into `file` (`-`: stdout) if `file` is not empty.
int host_capture_command(const std::string& directory, const std::string& file);
int doctor_command();
/// For LD_PRELOAD=liboomcast.so PROGRAM: the library has started this process, and waits for an answer on the socket.
int attached_command(int hello_socket_fd);

/// Call first: no file of this process may get the number of a closed standard stream.
void open_standard_streams();
/// Sends spdlog's messages of this level and above to stderr.
void start_log(const std::string& level);

}  // namespace oomcast::report
