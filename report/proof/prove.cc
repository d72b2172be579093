// Simulates what the findings suggest. See prove.h.
#include "report/proof/prove.h"

#include <algorithm>
#include <map>
#include <mutex>

#include "report/parallel.h"
#include "report/proof/aims.h"
#include "report/proof/proof_words.h"
#include "report/proof/trial.h"
#include "report/proof/value_search.h"

namespace oomcast::report {
namespace {

constexpr const char* kNoTime = "the time for proofs was over; --prove SECONDS gives more";

struct Task {
  const Finding* finding;
  Try* suggestion;
};

/// One suggestion: its trials, and what they say together.
class Prover {
 public:
  Prover(const Recorded& recorded, const sim::Outcome& forecast, const Deadline& deadline, const Task& task)
      : recorded_(recorded), forecast_(forecast), deadline_(deadline), id_(task.finding->id), suggestion_(*task.suggestion) {}

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
  static std::string unusable(const Trial& trial) {
    if (trial.stopped) return kNoTime;
    if (!trial.error.empty()) return trial.error;
    return trial.reached ? "" : "the forecast of the changed target is withheld";
  }

  std::vector<std::string> words_with(const SearchedValue& search, int64_t value) const {
    std::vector<std::string> words = suggestion_.remedy.words;
    words.push_back(search.key + "=" + std::to_string(value));
    return words;
  }

  std::optional<bool> ask(const SearchedValue& search, int64_t value) {
    auto known = trials_.find(value);
    if (known == trials_.end()) {
      if (deadline_.over()) return std::nullopt;
      known = trials_.emplace(value, try_words(recorded_, forecast_, id_, suggestion_.remedy.aim, words_with(search, value), deadline_)).first;
    }
    const Trial& trial = known->second;
    if (trial.stopped) return std::nullopt;
    // No such host, or so close to a worse verdict that it is withheld: not enough to be sure.
    return trial.error.empty() && trial.reached.value_or(false);
  }

  void search(const SearchedValue& search) {
    const FoundValue found = find_value(search, [&](int64_t value) { return ask(search, value); });
    std::erase_if(trials_, [](const auto& each) { return each.second.stopped; });
    if (!found.smallest) return nothing_found(search);
    tell(trials_.at(*found.given), words_with(search, *found.given));
    Proof& proof = *suggestion_.proof;
    proof.smallest = found.smallest;
    proof.below = found.below;
    if (found.below) {
      const auto below = trials_.find(*found.below);
      proof.verdict_below = below == trials_.end() ? forecast_.verdict : below->second.verdict;
    }
    suggestion_.change = found_words(search, *found.given, *suggestion_.proof);
    if (!found.finished) suggestion_.not_simulated = "a smaller value may be enough: the time for proofs was over";
  }

  void nothing_found(const SearchedValue& search) {
    if (trials_.empty() || deadline_.over()) {
      suggestion_.not_simulated = kNoTime;
      return;
    }
    const auto& [value, trial] = search.largest ? *trials_.begin() : *trials_.rbegin();
    if (const std::string why = unusable(trial); !why.empty()) {
      suggestion_.not_simulated = why;
      return;
    }
    tell(trial, words_with(search, value));
    suggestion_.change = (search.largest ? "not even " : "up to ") + value_word(search, value);
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

/// Why nothing that is simulated after the first kill or refusal would mean anything: it was carried out on the program.
std::string carried_out(const Recorded& recorded, const sim::Outcome& forecast) {
  if (recorded.options.kill_on_oom && forecast.oom_kill)
    return "the program was really killed (--on-oom kill): what it would have gone on to need is not known";
  if (recorded.options.refuse_enomem && forecast.alloc_refused)
    return "memory was really refused (--on-refuse enomem): what the program would have done with it is not known";
  return "";
}

class Progress {
 public:
  Progress(const ProveSettings& settings, const Deadline& deadline, size_t all) : settings_(settings), deadline_(deadline), all_(static_cast<int>(all)) {}
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

void work_on(const std::vector<Task>& tasks, const Recorded& recorded, const sim::Outcome& forecast, const ProveSettings& settings, const Deadline& deadline) {
  Progress progress(settings, deadline, tasks.size());
  progress.tell();
  for_each_in_parallel(tasks.size(), settings.jobs, [&](size_t i) {
    Prover(recorded, forecast, deadline, tasks[i]).run();
    progress.one_more();
  });
}

}  // namespace

bool can_prove(const Findings& findings) {
  return std::any_of(findings.begin(), findings.end(), [](const Finding& finding) {
    return std::any_of(finding.tries.begin(), finding.tries.end(), [](const Try& suggestion) { return suggestion.remedy.can_be_simulated(); });
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

ProofSummary prove(const Recorded& recorded, const sim::Outcome& forecast, const ProveSettings& settings, Findings& findings) {
  ProofSummary summary;
  const std::vector<Task> tasks = tasks_of(findings);
  if (tasks.empty()) return summary;
  summary.suggestions = static_cast<int>(tasks.size());
  const Deadline deadline(settings.budget_s, settings.interrupted);
  std::string why_not = carried_out(recorded, forecast);
  if (why_not.empty() && recorded.live) why_not = difference_of_replay(recorded, forecast, deadline).value_or(kNoTime);
  if (!why_not.empty()) return leave_unproven(findings, why_not);
  work_on(tasks, recorded, forecast, settings, deadline);
  for (const Task& task : tasks) (task.suggestion->proven ? summary.simulated : summary.left_out) += 1;
  return summary;
}

}  // namespace oomcast::report
