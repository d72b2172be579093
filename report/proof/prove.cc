// Simulates what the findings suggest. See prove.h.
#include "report/proof/prove.h"

#include <algorithm>
#include <map>
#include <mutex>

#include "report/parallel.h"
#include "report/proof/aims.h"
#include "report/proof/proof_words.h"
#include "report/proof/trial.h"
#include "report/smallest_enough.h"

namespace oomcast::report {
namespace {

struct Task {
  const Finding* finding;
  Try* suggestion;
};

/// A search for the largest value looks for the smallest distance from `now` that is enough.
int64_t distance_or_value(const SearchedValue& search, int64_t either) {
  return search.largest ? search.now - either : either;
}
std::optional<int64_t> distance_or_value(const SearchedValue& search, const std::optional<int64_t>& either) {
  return either ? std::optional(distance_or_value(search, *either)) : std::nullopt;
}

SearchRange range_of(const SearchedValue& search, int width) {
  SearchRange range;
  range.least = distance_or_value(search, search.now);
  range.least_fails = true;
  range.most = distance_or_value(search, search.most);
  range.granule = search.step;
  range.tolerance_permille = search.tolerance_permille;
  range.guess = search.guess > 0 ? distance_or_value(search, search.guess) : 0;
  range.spread = search.spread;
  range.width = width;
  return range;
}

/// One suggestion: its trials, and what they say together. Uses the core of its caller, and others that are free.
class Prover {
 public:
  Prover(const Recorded& recorded, const sim::Outcome& forecast, const Deadline& deadline, Cores& cores,
         const Task& task)
      : recorded_(recorded),
        forecast_(forecast),
        deadline_(deadline),
        cores_(cores),
        id_(task.finding->id),
        suggestion_(*task.suggestion) {}

  void run() {
    const Remedy remedy = suggestion_.remedy;
    if (remedy.search) return search(*remedy.search);
    const Trial trial = try_words(recorded_, forecast_, id_, remedy.aim, remedy.words, deadline_);
    if (const std::string why = unusable(trial); !why.empty()) {
      suggestion_.not_simulated = why;
      return;
    }
    tell(trial, remedy.words);
  }

 private:
  std::string unusable(const Trial& trial) const {
    if (trial.stopped) return std::string(deadline_.why());
    if (!trial.error.empty()) return trial.error;
    return trial.reached ? "" : "the forecast of the changed target is withheld";
  }

  std::vector<std::string> words_with(const SearchedValue& search, int64_t value) const {
    std::vector<std::string> words = suggestion_.remedy.words;
    words.push_back(search.key + "=" + std::to_string(value));
    return words;
  }

  /// No such host, or so close to a worse verdict that it is withheld: not enough to be sure.
  static std::optional<bool> answer_of(const Trial& trial) {
    if (trial.stopped) return std::nullopt;
    return trial.error.empty() && trial.reached.value_or(false);
  }

  /// Asks about as many values as there are cores for, the first ones.
  std::vector<std::optional<bool>> ask(const SearchedValue& search, const std::vector<int64_t>& distances) {
    const TakenCores more(cores_, static_cast<int>(distances.size()) - 1);
    std::vector<Trial> trials(static_cast<size_t>(1 + more.count()));
    for_each_in_parallel(trials.size(), 1 + more.count(), [&](size_t i) {
      trials[i].stopped = deadline_.over();
      if (trials[i].stopped) return;
      const int64_t value = distance_or_value(search, distances[i]);
      trials[i] = try_words(recorded_, forecast_, id_, suggestion_.remedy.aim, words_with(search, value), deadline_);
    });
    std::vector<std::optional<bool>> answers;
    for (size_t i = 0; i < trials.size(); ++i) {
      answers.push_back(answer_of(trials[i]));
      if (answers.back()) trials_.emplace(distance_or_value(search, distances[i]), std::move(trials[i]));
    }
    return answers;
  }

  void search(const SearchedValue& search) {
    const SearchResult found =
        smallest_enough(range_of(search, cores_.all()), [&](const auto& values) { return ask(search, values); });
    const auto below = distance_or_value(search, found.below);
    if (!found.smallest) return nothing_found(search, below.value_or(search.now));
    const int64_t given = distance_or_value(search, *found.given);
    tell(trials_.at(given), words_with(search, given));
    Proof& proof = *suggestion_.proof;
    proof.smallest = distance_or_value(search, found.smallest);
    proof.below = below;
    if (below) {
      const auto trial = trials_.find(*below);
      proof.verdict_below = trial == trials_.end() ? forecast_.verdict : trial->second.verdict;
    }
    suggestion_.change = found_words(search, given, proof) + along_text();
    if (!found.finished && deadline_.over())
      suggestion_.not_simulated = "a smaller value may be enough: " + std::string(deadline_.why());
  }

  void nothing_found(const SearchedValue& search, int64_t value) {
    const auto tried = trials_.find(value);
    if (tried == trials_.end() || deadline_.over()) {
      suggestion_.not_simulated = deadline_.why();
      return;
    }
    const Trial& trial = tried->second;
    if (const std::string why = unusable(trial); !why.empty()) {
      suggestion_.not_simulated = why;
      return;
    }
    tell(trial, words_with(search, value));
    suggestion_.change = (search.largest ? "not even " : "up to ") + value_word(search, value) + along_text();
  }

  /// The settings that were simulated along with a searched value: ", and memory.swap.max=max".
  std::string along_text() const {
    constexpr std::string_view kGroup = "cgroup.";
    std::string text;
    for (const std::string& word : suggestion_.remedy.words)
      text += ", and " + (word.starts_with(kGroup) ? word.substr(kGroup.size()) : word);
    return text;
  }

  void tell(const Trial& trial, std::vector<std::string> words) {
    suggestion_.proven = trial.reached;
    suggestion_.verdict_after = trial.verdict;
    Proof proof;
    proof.settings = std::move(words);
    proof.before = effect_of(forecast_);
    proof.after = trial.effect;
    proof.held_back = trial.held_back;
    proof.dies = trial.dies;
    proof.extrapolated = trial.extrapolated;
    suggestion_.proof = std::move(proof);
  }

  const Recorded& recorded_;
  const sim::Outcome& forecast_;
  const Deadline& deadline_;
  Cores& cores_;
  const std::string& id_;
  Try& suggestion_;
  std::map<int64_t, Trial> trials_;
};

std::vector<Task> tasks_of(Findings& findings) {
  std::vector<Task> tasks;
  for (Finding& finding : findings)
    for (Try& suggestion : finding.tries) {
      if (suggestion.remedy.can_be_simulated())
        tasks.push_back({&finding, &suggestion});
      else
        suggestion.not_simulated = "not a change of the target that can be simulated";
    }
  return tasks;
}

/// Why nothing that is simulated after the first kill or refusal would mean anything: it was carried out on the
/// program.
std::string carried_out(const Recorded& recorded, const sim::Outcome& forecast) {
  if (recorded.options.model.kill_on_oom && forecast.oom_kill)
    return "the program was really killed (--on-oom kill): what it would have gone on to need is not known";
  const bool was_refused = forecast.alloc_refused && forecast.alloc_refused->refusal &&
                           forecast.alloc_refused->refusal->by != mm::RefusedBy::kTmpfsFull;  // that only in the model
  if (recorded.options.model.refuse_enomem && was_refused)
    return "memory was really refused (--on-refuse enomem): what the program would have done with it is not known";
  return "";
}

class Progress {
 public:
  Progress(const ProveSettings& settings, const Deadline& deadline, size_t all)
      : settings_(settings), deadline_(deadline), all_(static_cast<int>(all)) {}
  void one_more() {
    const std::lock_guard lock(mutex_);
    ++done_;
    tell();
  }
  void tell() const {
    if (settings_.progress) settings_.progress(done_, all_, std::max(0.0, deadline_.seconds_left()));
  }

 private:
  const ProveSettings& settings_;
  const Deadline& deadline_;
  std::mutex mutex_;
  int done_ = 0;
  const int all_;
};

void work_on(const std::vector<Task>& tasks, const Recorded& recorded, const sim::Outcome& forecast,
             const ProveSettings& settings, const Deadline& deadline) {
  Progress progress(settings, deadline, tasks.size());
  progress.tell();
  Cores cores(settings.jobs);
  for_each_in_parallel(tasks.size(), cores.all(), [&](size_t i) {
    const TakenCores own(cores, 1);
    Prover(recorded, forecast, deadline, cores, tasks[i]).run();
    progress.one_more();
  });
}

}  // namespace

bool can_prove(const Findings& findings) {
  return std::any_of(findings.begin(), findings.end(), [](const Finding& finding) {
    return std::any_of(finding.tries.begin(), finding.tries.end(),
                       [](const Try& suggestion) { return suggestion.remedy.can_be_simulated(); });
  });
}

ProofSummary leave_unproven(Findings& findings, const std::string& why) {
  ProofSummary summary;
  for (const Task& task : tasks_of(findings)) {
    task.suggestion->not_simulated = why;
    ++summary.suggestions;
  }
  if (summary.suggestions > 0) summary.not_possible = why;
  return summary;
}

ProofSummary prove(const Recorded& recorded, const sim::Outcome& forecast, const ProveSettings& settings,
                   Findings& findings) {
  ProofSummary summary;
  const std::vector<Task> tasks = tasks_of(findings);
  if (tasks.empty()) return summary;
  summary.suggestions = static_cast<int>(tasks.size());
  const Deadline deadline(settings.budget_s, settings.interrupted);
  std::string why_not = carried_out(recorded, forecast);
  if (why_not.empty() && recorded.live)
    why_not = difference_of_replay(recorded, forecast, deadline).value_or(std::string(deadline.why()));
  if (!why_not.empty()) return leave_unproven(findings, why_not);
  work_on(tasks, recorded, forecast, settings, deadline);
  for (const Task& task : tasks) (task.suggestion->proven ? summary.simulated : summary.left_out) += 1;
  return summary;
}

}  // namespace oomcast::report
