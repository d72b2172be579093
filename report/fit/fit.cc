// Searches for the smallest value by sweeping hosts, a few at a time.
#include "report/fit/fit.h"

#include <algorithm>
#include <map>
#include <thread>

#include "report/fit/search.h"

namespace oomcast::report {
namespace {

constexpr int64_t kMiB = int64_t{1} << 20;
constexpr int64_t kGranule = kMiB / 4;
constexpr int64_t kSpareBytes = 512 * kMiB;
constexpr int kLargerTimes = 4;  // the search's upper end is doubled so often before it gives up

/// "memory.max" is a file of the program's cgroup; "memory" and "vm.min_free_kbytes" are fields of the host.
std::string vary_key(const std::string& key) {
  if (key.starts_with("memory.")) return "cgroup." + key;
  return key == "swap" ? "swap[0].size" : key;
}

bool well_enough(const std::optional<sim::Verdict>& verdict, const std::string& until) {
  if (!verdict) return false;
  if (until == "fits") return *verdict == sim::Verdict::kFits;
  if (until == "no_direct_reclaim") return *verdict <= sim::Verdict::kBackgroundReclaim;
  return *verdict <= sim::Verdict::kDirectReclaim;
}

std::string why_of(const SweepRow& row) {
  if (!row.error.empty()) return row.error;
  const sim::Outcome& o = row.outcome;
  for (const auto* incident : {&o.oom_kill, &o.alloc_refused, &o.direct_reclaim, &o.kswapd_scan})
    if (*incident) return (*incident)->why;
  return "";
}

/// Asks by sweeping and remembers each forecast, since the ends of a search are asked about again when it is told.
class Asker {
 public:
  Asker(std::string_view trace, const std::string& name, const host::HostSpec& host, const RunOptions& options,
        const FitOptions& fit_options)
      : trace_(trace), name_(name), host_(host), options_(options), fit_options_(fit_options) {}

  Result<void> ask(const std::vector<int64_t>& values) {
    Variation variation{vary_key(fit_options_.key), {}};
    for (int64_t value : values)
      if (!known_.contains(value)) variation.values.push_back(std::to_string(value));
    if (variation.values.empty()) return {};
    auto rows = sweep(trace_, name_, host_, options_, {variation}, 0);
    if (!rows) return rows.error();
    for (SweepRow& row : rows.value()) {
      int64_t value = std::stoll(row.values.front());
      known_.insert_or_assign(value, std::move(row));
    }
    return {};
  }
  Result<std::vector<bool>> enough(const std::vector<int64_t>& values) {
    if (auto asked = ask(values); !asked) return asked.error();
    std::vector<bool> answers;
    for (int64_t value : values) answers.push_back(well_enough(known_.at(value).verdict, fit_options_.until));
    return answers;
  }
  const SweepRow& row(int64_t value) const { return known_.at(value); }
  FitPoint point(int64_t value) const { return {value, row(value).verdict, why_of(row(value))}; }
  int asked() const { return static_cast<int>(known_.size()); }

 private:
  std::string_view trace_;
  const std::string& name_;
  const host::HostSpec& host_;
  const RunOptions& options_;
  const FitOptions& fit_options_;
  std::map<int64_t, SweepRow> known_;
};

/// What the program takes where nothing limits it more than the host as it is.
Result<int64_t> footprint_on(std::string_view trace, const std::string& name, const host::HostSpec& host,
                             const RunOptions& options) {
  auto rows = sweep(trace, name, host, options, {}, 1);
  if (!rows) return rows.error();
  const SweepRow& row = rows->front();
  if (!row.error.empty()) return Error{row.error};
  return row.outcome.app.footprint_peak.count();
}

Fit result_of(const SearchResult& found, const Asker& asker, const FitOptions& options, int64_t most) {
  Fit fit;
  fit.key = options.key;
  fit.until = options.until;
  fit.margin_percent = options.margin_percent;
  fit.most_asked = most;
  fit.asked = asker.asked();
  fit.uneven = found.uneven;
  if (found.below) fit.below = asker.point(*found.below);
  if (!found.smallest) {
    fit.below = asker.point(most);
    return fit;
  }
  const SweepRow& row = asker.row(*found.smallest);
  fit.smallest = asker.point(*found.smallest);
  fit.recommended = *found.smallest + *found.smallest / 100 * options.margin_percent;
  fit.footprint_peak_bytes = row.outcome.app.footprint_peak.count();
  fit.extrapolated = row.extrapolated;
  return fit;
}

}  // namespace

Result<Fit> fit(std::string_view trace, const std::string& name, const host::HostSpec& host, const RunOptions& options,
                const FitOptions& fit_options, const FitProgress& progress) {
  auto footprint = footprint_on(trace, name, host, options);
  if (!footprint) return footprint.error();
  Asker asker(trace, name, host, options, fit_options);
  SearchRange range;
  range.granule = kGranule;
  range.width = static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 2u, 8u));
  // Swap may be none at all; memory much smaller than what a program takes is a host that cannot be.
  range.least = fit_options.key == "swap" ? kGranule : std::max(kMiB, footprint.value() / 16);
  // Whole granules, so that the search asks for just these ends.
  range.least = range.least / kGranule * kGranule;
  range.most = std::max(range.least, (2 * footprint.value() + kSpareBytes) / kGranule * kGranule);
  const Enough enough = [&](const std::vector<int64_t>& values) {
    progress(asker.asked(), values.front(), values.back());
    return asker.enough(values);
  };
  for (int larger = 0;; ++larger) {
    auto found = smallest_enough(range, enough);
    if (!found) return found.error();
    if (!found->smallest && !asker.row(range.most).error.empty())
      return Error{"--for " + fit_options.key + ": " + asker.row(range.most).error};
    if (found->smallest || larger == kLargerTimes) {
      Fit fit = result_of(found.value(), asker, fit_options, range.most);
      if (host.cgroup.memory_swap_max >= 0) fit.swap_max_bytes = host.cgroup.memory_swap_max;
      return fit;
    }
    range.least = range.most;
    range.most *= 2;
  }
}

}  // namespace oomcast::report
