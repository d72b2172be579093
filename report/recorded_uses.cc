// Compares the uses that a replay's model asks for with the uses that the recording holds. See recorded_uses.h.
#include "report/recorded_uses.h"

#include <algorithm>

#include "report/present_host.h"
#include "report/words/format.h"

namespace oomcast::report {

using trace::EventKind;

void Watches::recorded(const trace::Event& range) {
  for (uint64_t at = range.address; at - range.address < range.bytes; at += trace::kWatchPageBytes)
    armed_.insert({range.pid, at});
}

void Watches::used(const trace::Event& event) {
  if (armed_.empty() || (event.kind != EventKind::kReference && event.kind != EventKind::kTouch)) return;
  for (uint64_t at = event.address & ~(trace::kWatchPageBytes - 1); at < event.address + event.bytes;
       at += trace::kWatchPageBytes)
    armed_.erase({event.pid, at});
}

void Watches::judge() {
  for (const trace::WatchRequest& watch : asked_) {
    ++wanted_;
    if (!armed_.contains({watch.pid, watch.address & ~(trace::kWatchPageBytes - 1)})) ++unrecorded_;
  }
  asked_.clear();
}

std::string extrapolation(const Watches& watches, const trace::TraceHeader& header, const std::string& recorded_on) {
  if (watches.unrecorded() == 0) return {};
  std::string made_for = "'" + (header.recorded_for.empty() ? recorded_on : header.recorded_for) + "'";
  return "recorded for " + made_for + ": of " + count_text(static_cast<int64_t>(watches.wanted())) +
         " pages whose next use this host's reclaim would have noticed, " +
         count_text(static_cast<int64_t>(watches.unrecorded())) +
         " were not watched, so they look colder than they are; record with --record-for this host to know";
}

std::string other_limits(const trace::CaptureSummary& capture, const host::HostSpec& recorded_on,
                         const host::HostSpec& target) {
  const std::string shown = cgroup_limits_text(recorded_on), here = cgroup_limits_text(target);
  const bool asked = std::any_of(capture.host_sensitive.begin(), capture.host_sensitive.end(),
                                 [](const std::string& what) { return what.find("cgroup") != std::string::npos; });
  if (!asked || shown == here) return {};
  return "the program asked for the limits of its cgroup, which were " + (shown.empty() ? "none" : shown) +
         " in the recording and are " + (here.empty() ? "none" : here) +
         " here: it may size itself by them, which a live run would show";
}

trace::CaptureSummary summary_of_cut(const trace::TraceHeader& header, uint64_t events) {
  trace::CaptureSummary capture;
  capture.command = header.command;
  capture.tracker = "unknown";
  capture.events = events;
  capture.cut =
      "the trace ends in the middle of the recording (the recorder was killed, its disk was full, or the file was "
      "cut): the forecast covers the run up to there; how it ended, its stacks and how much of its memory was seen are "
      "not known";
  return capture;
}

}  // namespace oomcast::report
