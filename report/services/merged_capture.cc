// Merges the capture summaries of several programs. See merged_capture.h.
#include "report/services/merged_capture.h"

#include <algorithm>

#include "report/words/format.h"

namespace oomcast::report {
namespace {

void add_with_name(const std::string& name, const std::string& what, std::string& all) {
  if (!what.empty()) all += (all.empty() ? "" : "; ") + name + ": " + what;
}

void add_sentences(const std::string& name, const std::vector<std::string>& sentences, std::vector<std::string>& all) {
  for (const std::string& sentence : sentences) all.push_back(name + ": " + sentence);
}

void add_once(const std::vector<std::string>& words, std::vector<std::string>& all) {
  for (const std::string& word : words)
    if (std::find(all.begin(), all.end(), word) == all.end()) all.push_back(word);
}

void add(const trace::CaptureSummary& one, const std::string& name, trace::CaptureSummary& all) {
  all.command.push_back(name + ": " + joined_text(one.command, " "));
  if (all.tracker.find(one.tracker) == std::string::npos)
    all.tracker += (all.tracker.empty() ? "" : ", ") + one.tracker;
  all.resolution_pages = std::max(all.resolution_pages, one.resolution_pages);
  all.resolution_ns = std::max(all.resolution_ns, one.resolution_ns);
  all.lost_events += one.lost_events;
  all.tracked_peak_bytes += one.tracked_peak_bytes;
  all.prefilled_bytes += one.prefilled_bytes;
  all.rss_peak_bytes += one.rss_peak_bytes;
  all.events += one.events;
  all.order_forced += one.order_forced;
  all.attached_bytes += one.attached_bytes;
  all.attached_processes += one.attached_processes;
  all.detached |= one.detached;
  add_sentences(name, one.caveats, all.caveats);
  add_once(one.host_sensitive, all.host_sensitive);
  add_with_name(name, one.presented_host, all.presented_host);
  add_with_name(name, one.presented_cgroup, all.presented_cgroup);
  add_with_name(name, one.cut, all.cut);
  add_with_name(name, one.stopped, all.stopped);
  add_with_name(name, one.extrapolated, all.extrapolated);
  add_sentences(name, one.still_running, all.still_running);
}

/// The end of the first service that did not exit with 0; of the first one if all did.
void add_end(const std::vector<trace::CaptureSummary>& captures, trace::CaptureSummary& all) {
  const auto bad = [](const trace::CaptureSummary& one) { return !one.exited || one.exit_code != 0; };
  const auto worst = std::find_if(captures.begin(), captures.end(), bad);
  const trace::CaptureSummary& shown = worst == captures.end() ? captures.front() : *worst;
  all.exited = shown.exited;
  all.exit_code = shown.exit_code;
  all.exit_signal = shown.exit_signal;
}

}  // namespace

trace::CaptureSummary merged_capture(const std::vector<trace::CaptureSummary>& captures,
                                     const std::vector<trace::ServiceCapture>& services,
                                     const trace::StackNumbers& stacks) {
  trace::CaptureSummary all;
  for (size_t s = 0; s < captures.size(); ++s) add(captures[s], services[s].name, all);
  add_end(captures, all);
  for (const trace::StackNumbers::Origin& origin : stacks.origins()) {
    const trace::CaptureSummary& of = captures[origin.stream];
    const size_t at = origin.id - 1;
    all.stacks.push_back(at < of.stacks.size() ? of.stacks[at] : std::vector<std::string>{});
    all.stacks.back().push_back(services[origin.stream].name);
    // The kind that sites.cc assumes if an old or truncated trace does not have it.
    const char* const unknown = at < of.stacks.size() ? "heap" : "unsampled";
    all.site_kinds.push_back(at < of.site_kinds.size() ? of.site_kinds[at] : unknown);
  }
  all.services = services;
  return all;
}

}  // namespace oomcast::report
