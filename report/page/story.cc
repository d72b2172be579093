// Turns the keys of one report into a story. See story.h.
#include "report/page/story.h"

#include <algorithm>

#include "model/base/units.h"
#include "report/format.h"
#include "report/report_values.h"

namespace oomcast::report {
namespace {

using Json = nlohmann::ordered_json;

int64_t whole(const Json& number) { return number.is_null() ? 0 : number.get<int64_t>(); }
std::string text(const Json& string) { return string.is_null() ? std::string() : string.get<std::string>(); }
std::string size(const Json& bytes) { return bytes_text(Bytes(whole(bytes))); }
std::string wait(const Json& ns) { return duration_text(Nanoseconds(whole(ns))); }
std::string moment(const Json& seconds) {
  return seconds_text(Nanoseconds(static_cast<int64_t>(seconds.get<double>() * 1e9 + 0.5)));
}
std::string plural(int64_t count, const std::string& noun) {
  return count_text(count) + " " + noun + (count == 1 ? "" : "s");
}

std::string command_text(const Json& report) {
  std::string line;
  for (const Json& word : child(report, "command")) line += (line.empty() ? "" : " ") + word.get<std::string>();
  constexpr size_t kMost = 200;
  return line.empty() ? "The program" : shortened_text(line, kMost, " ...");
}

int64_t managed_bytes(const Json& host) {
  int64_t pages = 0;
  for (const Json& node : child(host, "nodes"))
    for (const Json& zone : child(node, "zones")) pages += whole(child(zone, "managed_pages"));
  return pages * kPageBytes;
}

std::string host_sentence(const Json& report) {
  const Json& host = child(report, "host");
  const int64_t swap = whole(child(host, "swap_bytes"));
  return command_text(report) + " was run here and forecast on " + text(child(host, "name")) + ": kernel " +
         text(child(host, "kernel")) + ", " + (text(child(host, "lru")) == "mglru" ? "multi-gen LRU" : "classic LRU") + ", " +
         plural(static_cast<int64_t>(child(host, "nodes").size()), "node") + ", " +
         bytes_text(Bytes(managed_bytes(host))) + " RAM, " +
         (swap > 0 ? bytes_text(Bytes(swap)) + " swap." : "no swap.");
}

struct Milestone {
  const char* key;
  const char* words;
};
constexpr Milestone kMilestones[] = {
    {"kswapd_wake", "kswapd wakes"},
    {"kswapd_scan", "kswapd looks for pages to reclaim"},
    {"direct_reclaim", "a thread has to reclaim memory for itself"},
    {"swap_out", "the first page is swapped out"},
    {"alloc_refused", "the kernel refuses an allocation"},
    {"oom_kill", "the OOM killer strikes"},
};

/// Every first incident in the order of time, the one that the verdict is about with its reason.
void tell_milestones(const Json& report, std::vector<std::string>& sentences) {
  std::vector<std::pair<double, std::string>> told;
  const Json& first = child(report, "first");
  const std::string main = decisive_incident(report);
  for (const Milestone& milestone : kMilestones) {
    const Json& incident = child(first, milestone.key);
    if (incident.is_null()) continue;
    const bool same_moment = std::string(milestone.key) == "kswapd_wake" && !child(first, "kswapd_scan").is_null() &&
                             child(child(first, "kswapd_scan"), "t_s") == child(incident, "t_s");
    if (same_moment) continue;
    const Json& group = child(incident, "cgroup");
    std::string line = "At " + moment(child(incident, "t_s")) + ", with a footprint of " +
                       size(child(incident, "app_footprint_bytes")) + ", " + milestone.words +
                       (group.is_null() ? "" : " in cgroup " + text(child(group, "path")));
    if (milestone.key == main) line += ": " + text(child(incident, "why"));
    told.emplace_back(child(incident, "t_s").get<double>(), line + ".");
  }
  std::stable_sort(told.begin(), told.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (auto& [t, line] : told) sentences.push_back(std::move(line));
}

void tell_kills(const Json& report, std::vector<std::string>& sentences) {
  const Json& kills = child(report, "oom_kills");
  if (kills.empty()) return;
  const Json& victim = child(kills.front(), "victim");
  if (whole(child(victim, "pid")) == 0) {
    sentences.push_back(text(child(victim, "comm")) == "(panic)" ? "Nobody is killed: the host panics."
                                                              : "Nobody may be killed.");
    return;
  }
  std::string line = "The victim is " + text(child(victim, "comm")) + " (pid " + std::to_string(whole(child(victim, "pid"))) +
                     ") with " + count_text(whole(child(victim, "points"))) + " points and " +
                     size(child(victim, "rss_bytes")) + " resident";
  const Json* next = nullptr;
  for (const Json& task : child(kills.front(), "candidates"))
    if (!child(task, "points").is_null() && child(task, "pid") != child(victim, "pid") &&
        (next == nullptr || whole(child(task, "points")) > whole(child(*next, "points"))))
      next = &task;
  line += next == nullptr ? "; nobody else may be killed."
                          : "; " + text(child(*next, "comm")) + " comes next with " +
                                count_text(whole(child(*next, "points"))) + " points.";
  sentences.push_back(line);
  if (const int64_t total = whole(child(report, "oom_kills_total")); total > 1)
    sentences.push_back("There are " + count_text(total) + " kills in all.");
}

void tell_stalls(const Json& report, std::vector<std::string>& sentences) {
  const Json& stall = child(report, "stall");
  if (whole(child(stall, "total_ns")) == 0) return;
  sentences.push_back("Threads wait " + wait(child(stall, "total_ns")) + " in all, " + wait(child(stall, "longest_ns")) +
                      " at worst: " + wait(child(stall, "direct_reclaim_ns_total")) + " in direct reclaim, " +
                      wait(child(stall, "swap_in_ns_total")) + " in swap-in, " + wait(child(stall, "throttled_ns_total")) +
                      " throttled.");
}

void tell_footprint(const Json& report, std::vector<std::string>& sentences) {
  const Json& app = child(report, "app");
  const int64_t peak = whole(child(app, "footprint_peak_bytes"));
  const int64_t all = whole(child(app, "whole_run_peak_bytes"));
  std::string line = "The footprint peaks at " + bytes_text(Bytes(peak));
  if (all > peak) line += " until the kill, and at " + bytes_text(Bytes(all)) + " over the whole run here";
  const int64_t ram = managed_bytes(child(report, "host"));
  sentences.push_back(line + (ram > 0 ? ": " + percent_text(peak, ram) + " of the host's RAM." : "."));
}

/// A proven change before one that nobody has simulated; what was shown not to help is none.
void tell_what_helps(const Json& report, std::vector<std::string>& sentences) {
  const Json* best = nullptr;
  for (const Json& finding : child(report, "findings")) {
    if (text(child(finding, "severity")) == "info") continue;
    for (const Json& one : child(finding, "try")) {
      const Json& proven = child(one, "proven");
      if (proven.is_boolean() && !proven.get<bool>()) continue;
      if (best == nullptr || (proven.is_boolean() && !child(*best, "proven").is_boolean())) best = &one;
    }
  }
  if (best == nullptr) return;
  const bool proven = child(*best, "proven").is_boolean();
  const Json& after = child(*best, "verdict_after");
  sentences.push_back((proven ? "What helps, shown by simulation: " : "What may help (not simulated): ") +
                      text(child(*best, "change")) +
                      (proven && after.is_string() ? "; the verdict is then " + verdict_words(after) + "." : "."));
}

void tell_end(const Json& report, std::vector<std::string>& sentences) {
  const Json& code = child(child(report, "exit"), "code");
  const Json& signal = child(child(report, "exit"), "signal");
  if (!signal.is_null())
    sentences.push_back("Here the program was ended by " + signal_text(static_cast<int>(whole(signal))) +
                        "; the forecast covers the run up to then.");
  else if (!code.is_null())
    sentences.push_back("Here the program ended with status " + std::to_string(whole(code)) + ".");
}

std::string headline(const Json& report) {
  const Json& verdict = child(report, "verdict");
  if (verdict.is_null()) return "No verdict is given";
  const Json& incident = child(child(report, "first"), decisive_incident(report));
  if (incident.is_null()) return "It fits: nothing is reclaimed in " + moment(child(report, "forecast_s"));
  return capitalised(verdict_words(verdict)) + ", " + moment(child(incident, "t_s")) +
         " into the run, at a footprint of " + size(child(incident, "app_footprint_bytes"));
}

std::vector<Figure> figures_of(const Json& report) {
  const Json& app = child(report, "app");
  const Json& counters = child(report, "counters");
  return {{"Footprint at its peak", size(child(app, "footprint_peak_bytes"))},
          {"RAM of the host", bytes_text(Bytes(managed_bytes(child(report, "host"))))},
          {"Waits in all", wait(child(child(report, "stall"), "total_ns"))},
          {"Swapped out", bytes_text(Bytes(whole(child(counters, "pswpout")) * kPageBytes))},
          {"Length on the host", moment(child(report, "forecast_s"))}};
}

}  // namespace

std::string capitalised(std::string words) {
  if (!words.empty() && words[0] >= 'a' && words[0] <= 'z') words[0] = static_cast<char>(words[0] - 'a' + 'A');
  return words;
}

std::string verdict_words(const Json& verdict) {
  const std::string word = text(verdict);
  if (word == "fits") return "fits";
  if (word == "background_reclaim") return "background reclaim";
  if (word == "direct_reclaim") return "direct reclaim";
  if (word == "alloc_refused") return "allocation refused";
  if (word == "oom_kill") return "OOM kill";
  return word.empty() ? "no verdict" : word;
}

std::string verdict_tone(const Json& verdict) {
  const std::string word = text(verdict);
  if (word == "fits") return "good";
  if (word == "background_reclaim" || word == "direct_reclaim") return "fair";
  return word == "oom_kill" || word == "alloc_refused" ? "bad" : "unknown";
}

Story report_story(const Json& report) {
  Story story;
  story.headline = headline(report);
  story.tone = verdict_tone(child(report, "verdict"));
  auto& say = story.sentences;
  if (const Json& incomplete = child(child(report, "coverage"), "incomplete"); !incomplete.is_null())
    say.push_back("INCOMPLETE: " + text(incomplete));
  say.push_back(host_sentence(report));
  if (child(report, "verdict").is_null())
    say.push_back("The verdict is withheld: " + text(child(child(child(report, "basis"), "verdict"), "why")));
  tell_milestones(report, say);
  tell_kills(report, say);
  if (const Json& halted = child(report, "halted_at_s"); !halted.is_null())
    say.push_back("At " + moment(halted) + " the forecast ends: " + text(child(report, "halted_why")) + ".");
  tell_stalls(report, say);
  tell_footprint(report, say);
  if (const Json& diverged = child(report, "diverged_at_s"); !diverged.is_null())
    say.push_back("From " + moment(diverged) +
                  " on the program ran on in a world that the target would not have shown it: " +
                  text(child(report, "diverged_why")) + ".");
  const Json& margin = child(report, "verdict_margin");
  if (child(margin, "close").is_boolean() && child(margin, "close").get<bool>())
    say.push_back("The verdict hangs on little: " + text(child(margin, "why")) + ".");
  tell_what_helps(report, say);
  tell_end(report, say);
  story.figures = figures_of(report);
  return story;
}

}  // namespace oomcast::report
