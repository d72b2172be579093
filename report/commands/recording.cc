// Opens a trace, and lays what is asked now over what its recording said. See recording.h.
#include "report/commands/recording.h"

#include "report/commands/target_host.h"
#include "report/target.h"
#include "report/trace_file.h"

namespace oomcast::report {

Result<Recording> open_recording(const ReplayOptions& replay, const RunOptions& given) {
  Recording recording;
  auto bytes = read_trace_file(replay.trace);
  if (!bytes) return bytes.error();
  recording.bytes = std::move(bytes).value();
  auto header = read_trace_header(recording.bytes, replay.trace);
  if (!header) return header.error();
  recording.options = given;
  if (auto set = apply_target_words(header->target_options, recording.options); !set)
    return Error{replay.trace + ": its own options: " + set.error().message};
  int recorded_adj = recording.options.model.oom_score_adj;
  if (auto set = apply_target_words(given.target_words, recording.options); !set) return set.error();
  if (recording.options.model.oom_score_adj != recorded_adj)
    recording.settings.oom_score_adj = recording.options.model.oom_score_adj;
  auto host =
      given.host == kRecordedHost ? recorded_host(header.value(), replay.trace) : read_any_host(given.host, given.nth);
  if (!host) return host.error();
  auto changed = with_changes(std::move(host).value(), recording.options);
  if (!changed) return changed.error();
  recording.host = std::move(changed).value();
  number_files(recording.host);
  recording.settings.model = model_options(recording.options, recording.host);
  return recording;
}

}  // namespace oomcast::report
