// Simulates one recording with several seeds. See chance.h.
#include "report/chance.h"

#include <algorithm>
#include <mutex>
#include <optional>

#include "report/parallel.h"

namespace oomcast::report {
namespace {

using sim::Outcome;

std::optional<int64_t> time_of(const std::optional<sim::Incident>& incident) {
  return incident ? std::optional(incident->t.count()) : std::nullopt;
}

struct Headline {
  const char* name;
  std::optional<int64_t> (*of)(const Outcome&);
};
const Headline kHeadlines[] = {
    {"footprint_peak_bytes", [](const Outcome& o) { return std::optional(o.app.footprint_peak.count()); }},
    {"stall_ns_total", [](const Outcome& o) { return std::optional(o.stall.total.count()); }},
    {"direct_reclaim_ns_total", [](const Outcome& o) { return std::optional(o.stall.direct_reclaim_total.count()); }},
    {"pswpin_pages", [](const Outcome& o) { return std::optional(o.counters[host::Vmstat::pswpin]); }},
    {"pswpout_pages", [](const Outcome& o) { return std::optional(o.counters[host::Vmstat::pswpout]); }},
    {"oom_kills_total", [](const Outcome& o) { return std::optional(static_cast<int64_t>(o.oom_kills_total)); }},
    {"kswapd_wake_ns", [](const Outcome& o) { return time_of(o.kswapd_wake); }},
    {"direct_reclaim_ns", [](const Outcome& o) { return time_of(o.direct_reclaim); }},
    {"oom_kill_ns", [](const Outcome& o) { return time_of(o.oom_kill); }},
    {"oom_kill_footprint_bytes",
     [](const Outcome& o) { return o.oom_kill ? std::optional(o.oom_kill->app_footprint.count()) : std::nullopt; }},
};

HeadlineRange range_of(const Headline& headline, const std::vector<Outcome>& outcomes) {
  std::vector<int64_t> values;
  for (const Outcome& outcome : outcomes)
    if (const auto value = headline.of(outcome)) values.push_back(*value);
  HeadlineRange range{headline.name, static_cast<int>(values.size())};
  if (values.empty()) return range;
  std::sort(values.begin(), values.end());
  range.least = values.front();
  // the lower of the two in the middle, so that the median is a value of some seed
  range.median = values[(values.size() - 1) / 2];
  range.most = values.back();
  return range;
}

}  // namespace

bool Chance::flips() const {
  return std::count_if(verdicts.begin(), verdicts.end(), [](int seeds_with_it) { return seeds_with_it > 0; }) > 1;
}

sim::Verdict Chance::worst() const {
  for (size_t i = verdicts.size(); i-- > 0;)
    if (verdicts[i] > 0) return static_cast<sim::Verdict>(i);
  return sim::Verdict::kFits;
}

Chance chance_of(const std::vector<Outcome>& outcomes) {
  Chance chance;
  chance.seeds = static_cast<int>(outcomes.size());
  for (const Outcome& outcome : outcomes) ++chance.verdicts[static_cast<size_t>(outcome.verdict)];
  for (const Headline& headline : kHeadlines) {
    HeadlineRange range = range_of(headline, outcomes);
    if (range.seeds > 0) chance.headlines.push_back(std::move(range));
  }
  return chance;
}

Chance try_seeds(const Recorded& recorded, const ChanceSettings& settings) {
  std::vector<std::optional<Outcome>> found(static_cast<size_t>(settings.seeds));
  std::string error;
  std::mutex lock;  // guards `error`, `done` and the two functions of `settings`
  int done = 0;
  const auto stopped = [&] {
    const std::lock_guard guard(lock);
    return !error.empty() || (settings.interrupted && settings.interrupted());
  };
  for_each_in_parallel(found.size(), settings.jobs, [&](size_t i) {
    if (stopped()) return;
    ReplaySettings replaying = recorded.settings;
    replaying.model.seed = Seed{i + 1};
    replaying.stop = [&](double) { return stopped(); };
    auto replayed = replay(recorded.workload, recorded.host, replaying);
    const bool interrupted = stopped();
    const std::lock_guard guard(lock);
    if (replayed) found[i] = std::move(replayed->outcome);
    if (!replayed && !interrupted) error = replayed.error().message;
    if (settings.progress) settings.progress(++done, settings.seeds);
  });
  std::vector<Outcome> outcomes;
  for (auto& outcome : found)
    if (outcome) outcomes.push_back(std::move(*outcome));
  Chance chance = chance_of(outcomes);
  if (chance.seeds < settings.seeds)
    chance.cut = std::to_string(chance.seeds) + " of " + std::to_string(settings.seeds) +
                 " seeds were simulated: " + (error.empty() ? "a signal to oomcast ended it" : error);
  return chance;
}

std::string chance_text(const Chance& chance) {
  std::vector<size_t> order;
  for (size_t i = 0; i < chance.verdicts.size(); ++i)
    if (chance.verdicts[i] > 0) order.push_back(i);
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return chance.verdicts[a] > chance.verdicts[b]; });
  std::string text;
  for (const size_t i : order) {
    const std::string count = std::to_string(chance.verdicts[i]);
    text += (text.empty() ? "" : ", ") + std::string(sim::verdict_name(static_cast<sim::Verdict>(i))) + " with " +
            count + (text.empty() ? " of " + std::to_string(chance.seeds) + " seeds" : "");
  }
  return text;
}

nlohmann::ordered_json chance_json(const Chance& chance) {
  if (chance.seeds == 0 && chance.cut.empty()) return nullptr;
  nlohmann::ordered_json verdicts = nlohmann::ordered_json::object(), headlines = nlohmann::ordered_json::object();
  for (size_t i = 0; i < chance.verdicts.size(); ++i)
    verdicts[sim::verdict_name(static_cast<sim::Verdict>(i))] = chance.verdicts[i];
  for (const HeadlineRange& range : chance.headlines)
    headlines[range.name] = {
        {"seeds", range.seeds}, {"least", range.least}, {"median", range.median}, {"most", range.most}};
  return {{"seeds", chance.seeds},
          {"verdicts", verdicts},
          {"flips", chance.flips()},
          {"headlines", headlines},
          {"cut", chance.cut}};
}

}  // namespace oomcast::report
