// The verbs that record a program, run the model or examine this machine: one file each, named after the verb.
//
// Only this folder knows both the recorder and the model. The verbs that read finished reports are with their subject:
// check and diff in gates/, page in page/, export in export/, show in show/, completion in completion/.
#pragma once

#include <string>

#include "report/command_line.h"
#include "report/verb.h"

namespace oomcast::report {

extern const Verb kRunVerb, kAttachVerb, kReplayVerb, kSweepVerb, kFitVerb, kExplainVerb, kDoctorVerb;
extern const Verb kHostVerb, kHostListVerb, kHostShowVerb, kHostCaptureVerb;
/// For LD_PRELOAD=liboomcast.so PROGRAM: the library has started this process, and waits for an answer on the socket.
extern const Verb kRecordAttachedVerb;

/// What `run` does, also for `fit`. Prints its errors and returns the exit status.
int run_command(RunOptions options);

/// Call first: no file of this process may get the number of a closed standard stream.
void open_standard_streams();
/// Sends spdlog's messages of this level and above to stderr.
void start_log(const std::string& level);

}  // namespace oomcast::report
