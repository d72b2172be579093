// Turns the keys of one report into a story. See story.h.
#include "report/story.h"

#include <algorithm>

#include "model/base/units.h"
#include "report/report_values.h"
#include "report/words/format.h"

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
         text(child(host, "kernel")) + ", " + (text(child(host, "lru")) == "mglru" ? "multi-gen LRU" : "classic LRU") +
         ", " + plural(static_cast<int64_t>(child(host, "nodes").size()), "node") + ", " +
         bytes_text(Bytes(managed_bytes(host))) + " RAM, " +
         (swap > 0 ? bytes_text(Bytes(swap)) + " swap." : "no swap.");
}

std::string amount(int64_t pages) { return bytes_text(to_bytes(Pages(pages))); }

std::string task_text(const Json& task) {
  return text(child(task, "comm")) + " (pid " + std::to_string(whole(child(task, "pid"))) + ")";
}

/// Returns a group's usage and limits, or a zone's free memory and its watermark `mark`.
std::string short_of(const Json& incident, const char* mark) {
  const Json& group = child(incident, "cgroup");
  if (!group.is_null()) {
    std::string line = "cgroup " + text(child(group, "path")) + " uses " + size(child(group, "usage_bytes"));
    if (!child(group, "max_bytes").is_null()) line += ", memory.max " + size(child(group, "max_bytes"));
    if (!child(group, "high_bytes").is_null()) line += ", memory.high " + size(child(group, "high_bytes"));
    return line;
  }
  std::string line = "node " + std::to_string(whole(child(incident, "node"))) + " zone " +
                     text(child(incident, "zone")) + " has " + amount(whole(child(incident, "free_pages"))) +
                     " free, its " + mark + " mark is " + amount(whole(child(child(incident, "watermarks"), mark)));
  if (const int64_t boost = value_or(incident, "boost_pages", int64_t{0}); boost > 0)
    line += ", " + amount(boost) + " of it a temporary boost";
  return line;
}

struct Milestone {
  const char* key;
  std::string (*words)(const Json& incident);
};
const Milestone kMilestones[] = {
    {"kswapd_wake",
     [](const Json& i) {
       return "kswapd wakes" + (whole(child(i, "pid")) == 0 ? "" : ", because " + task_text(i) + " takes memory") +
              ": " + short_of(i, "low");
     }},
    {"kswapd_scan", [](const Json& i) { return "kswapd looks for pages to reclaim: " + short_of(i, "high"); }},
    {"direct_reclaim",
     [](const Json& i) { return task_text(i) + " has to reclaim memory for itself: " + short_of(i, "min"); }},
    {"swap_out", [](const Json&) { return std::string("the first page is swapped out"); }},
    {"alloc_refused", [](const Json& i) { return "the kernel refuses " + task_text(i) + " an allocation"; }},
    {"oom_kill",
     [](const Json& i) { return task_text(i) + " asks for memory that is not to be had, and the OOM killer strikes"; }},
};

/// True if the incident's `why` must follow. For reclaim, the milestone's words already say what was short.
bool needs_reason(const std::string& key) { return key == "oom_kill" || key == "alloc_refused"; }

/// Adds a sentence per first incident, in the order of time.
void tell_milestones(const Json& report, std::vector<CourseSentence>& sentences) {
  std::vector<std::pair<double, CourseSentence>> by_time;
  const Json& first = child(report, "first");
  const std::string main = decisive_incident(report);
  for (const Milestone& milestone : kMilestones) {
    const std::string key = milestone.key;
    const Json& incident = child(first, key);
    if (incident.is_null()) continue;
    const bool same_moment = key == "kswapd_scan" && main != key && !child(first, "kswapd_wake").is_null() &&
                             child(child(first, "kswapd_wake"), "t_s") == child(incident, "t_s");
    if (same_moment) continue;
    std::string line = "At " + moment(child(incident, "t_s")) + ", with a footprint of " +
                       size(child(incident, "app_footprint_bytes")) + ", " + milestone.words(incident);
    if (needs_reason(key)) line += ": " + text(child(incident, "why"));
    by_time.emplace_back(child(incident, "t_s").get<double>(), CourseSentence{line + ".", key == main});
  }
  std::stable_sort(by_time.begin(), by_time.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (auto& [t, line] : by_time) sentences.push_back(std::move(line));
}

/// Adds a sentence on the pages that reclaim took from all lists, and on those of them that were needed again.
void tell_reclaimed(const Json& report, std::vector<CourseSentence>& sentences) {
  const Json& counters = child(report, "counters");
  const auto pages = [&](const char* key) { return whole(child(counters, key)); };
  const int64_t scanned = pages("pgscan_anon") + pages("pgscan_file"), file = pages("pgsteal_file"),
                anon = pages("pgsteal_anon");
  if (scanned == 0) return;
  std::string line = "Reclaim looks at " + plural(scanned, "page") + " in all and ";
  if (file + anon == 0) {
    sentences.push_back({line + "can take none."});
    return;
  }
  line += "takes ";
  if (file > 0) line += amount(file) + " of page cache";
  if (anon > 0) line += (file > 0 ? " and " : "") + amount(anon) + " of anonymous memory";
  const int64_t back = pages("workingset_refault_file") + pages("workingset_refault_anon");
  if (back > 0) line += "; " + amount(back) + " of it is needed again";
  sentences.push_back({line + "."});
}

void tell_kills(const Json& report, std::vector<CourseSentence>& sentences) {
  const Json& kills = child(report, "oom_kills");
  if (kills.empty()) return;
  const Json& victim = child(kills.front(), "victim");
  if (whole(child(victim, "pid")) == 0) {
    sentences.push_back(
        {text(child(victim, "comm")) == "(panic)" ? "Nobody is killed: the host panics." : "Nobody may be killed.",
         true});
    return;
  }
  std::string line = "The victim is " + task_text(victim) + " with oom_score_adj " +
                     std::to_string(whole(child(victim, "oom_score_adj"))) + ", " + size(child(victim, "rss_bytes")) +
                     " resident and " + points_text(whole(child(victim, "points")));
  const Json* next = nullptr;
  for (const Json& task : child(kills.front(), "candidates"))
    if (!child(task, "points").is_null() && child(task, "pid") != child(victim, "pid") &&
        (next == nullptr || whole(child(task, "points")) > whole(child(*next, "points"))))
      next = &task;
  line += next == nullptr ? "; nobody else may be killed."
                          : "; " + text(child(*next, "comm")) + " comes next with " +
                                points_text(whole(child(*next, "points"))) + ".";
  sentences.push_back({line, true});
  const int64_t total = whole(child(report, "oom_kills_total"));
  if (total <= 1) return;
  std::vector<std::string> others;
  for (size_t i = 1; i < kills.size(); ++i)
    if (whole(child(child(kills[i], "victim"), "pid")) != 0) others.push_back(task_text(child(kills[i], "victim")));
  constexpr size_t kNamed = 3;
  sentences.push_back({"There are " + count_text(total) + " kills in all" +
                       (others.empty() ? "." : ", then " + list_text(others, kNamed) + ".")});
}

void tell_stalls(const Json& report, std::vector<std::string>& sentences) {
  const Json& stall = child(report, "stall");
  if (whole(child(stall, "total_ns")) == 0) return;
  sentences.push_back("Threads wait " + wait(child(stall, "total_ns")) + " in all, " +
                      wait(child(stall, "longest_ns")) + " at worst: " + wait(child(stall, "direct_reclaim_ns_total")) +
                      " in direct reclaim, " + wait(child(stall, "swap_in_ns_total")) + " in swap-in, " +
                      wait(child(stall, "throttled_ns_total")) + " throttled.");
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

/// Returns 0 for a change that is shown to help, 1 for one that was not simulated, 2 if a task is still killed or
/// refused memory.
int rank_of(const Json& change) {
  const std::string after = text(child(change, "verdict_after"));
  if (!child(change, "proven").is_boolean()) return 1;
  return after == "oom_kill" || after == "alloc_refused" ? 2 : 0;
}

/// Names the change of the lowest rank_of(), leaving out those that the simulation has shown not to help.
void tell_what_helps(const Json& report, std::vector<std::string>& sentences) {
  const Json* best = nullptr;
  for (const Json& finding : child(report, "findings")) {
    if (text(child(finding, "severity")) == "info") continue;
    for (const Json& one : child(finding, "try")) {
      const Json& proven = child(one, "proven");
      if (proven.is_boolean() && !proven.get<bool>()) continue;
      if (best == nullptr || rank_of(one) < rank_of(*best)) best = &one;
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

/// Returns "Of 20 seeds: direct reclaim 13, background reclaim 7. Luck decides the verdict."; empty if --seeds was not
/// given.
std::string chance_sentence(const Json& report) {
  const Json& chance = child(report, "chance");
  if (chance.is_null()) return "";
  if (whole(child(chance, "seeds")) == 0) return capitalised(text(child(chance, "cut"))) + ".";
  std::string line;
  for (const auto& [verdict, count] : child(chance, "verdicts").items())
    if (whole(count) > 0) line += (line.empty() ? "" : ", ") + verdict_words(verdict) + " " + count_text(whole(count));
  return "Of " + plural(whole(child(chance, "seeds")), "seed") + ": " + line +
         (child(chance, "flips") == true ? ". Luck decides the verdict." : ".");
}

std::vector<Figure> figures_of(const Json& report) {
  const Json& app = child(report, "app");
  const Json& counters = child(report, "counters");
  return {{"Footprint at its peak", size(child(app, "footprint_peak_bytes"))},
          {"RAM of the host", bytes_text(Bytes(managed_bytes(child(report, "host"))))},
          {"Waits in all", wait(child(child(report, "stall"), "total_ns"))},
          {"Swapped out", amount(whole(child(counters, "pswpout")))},
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

std::vector<CourseSentence> course_of(const Json& report) {
  std::vector<CourseSentence> sentences;
  tell_milestones(report, sentences);
  tell_reclaimed(report, sentences);
  tell_kills(report, sentences);
  return sentences;
}

Story report_story(const Json& report) {
  Story story;
  story.headline = headline(report);
  story.tone = verdict_tone(child(report, "verdict"));
  if (const Json& evictions = child(report, "evictions"); evictions.is_array() && !evictions.empty()) {
    story.headline += ", and the kubelet evicts " + std::string(evictions.size() == 1 ? "a pod" : "pods");
    story.tone = "bad";
  }
  if (child(child(report, "chance"), "flips") == true) story.headline += " (luck decides)";
  auto& say = story.sentences;
  if (const Json& incomplete = child(child(report, "coverage"), "incomplete"); !incomplete.is_null())
    say.push_back("INCOMPLETE: " + text(incomplete));
  say.push_back(host_sentence(report));
  if (std::string chance = chance_sentence(report); !chance.empty()) say.push_back(std::move(chance));
  if (child(report, "verdict").is_null())
    say.push_back("The verdict is withheld: " + text(child(child(child(report, "basis"), "verdict"), "why")));
  for (CourseSentence& sentence : course_of(report)) say.push_back(std::move(sentence.text));
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
