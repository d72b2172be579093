// Searches for the smallest value by sweeping the host, a few values at a time.
#include "report/fit/fit.h"

#include <algorithm>
#include <map>

#include "report/parallel.h"
#include "report/smallest_enough.h"

namespace oomcast::report {
namespace {

constexpr int64_t kMiB = int64_t{1} << 20;
constexpr int64_t kGranule = kMiB / 4;
constexpr int64_t kSpareBytes = 512 * kMiB;
constexpr int kMostTimes = 16;  // the largest value that is asked, as a multiple of twice the footprint and kSpareBytes

/// Returns the key that a sweep varies: "memory.max" is a file of the program's cgroup; "vm.min_free_kbytes" is a field
/// of the host.
std::string vary_key(const std::string& key) {
  if (key.starts_with("memory.")) return "cgroup." + key;
  return key == "swap" ? "swap[0].size" : key;
}

/// A pod that the kubelet evicts is as dead as one that the kernel kills, whatever the verdict.
bool well_enough(const SweepRow& row, const std::string& until) {
  if (!row.verdict || row.figures.evictions > 0) return false;
  if (until == "fits") return *row.verdict == sim::Verdict::kFits;
  if (until == "no_direct_reclaim") return *row.verdict <= sim::Verdict::kBackgroundReclaim;
  return *row.verdict <= sim::Verdict::kDirectReclaim;
}

std::string why_of(const SweepRow& row) { return row.error.empty() ? row.why : row.error; }

/// Answers the search's questions by sweeps, and keeps the last forecast of each value.
class Asker {
 public:
  Asker(const Workload& workload, const host::HostSpec& host, const RunOptions& options, const FitOptions& fit_options)
      : workload_(workload), host_(host), options_(options), fit_options_(fit_options) {}

  /// A value is enough if it is enough with every seed. A value that no host can have is not enough.
  std::vector<std::optional<bool>> enough(const std::vector<int64_t>& values) {
    std::vector<int64_t> open = values;
    for (int seed = 1; seed <= fit_options_.seeds && !open.empty(); ++seed) {
      ask(open, seed);
      std::erase_if(open, [this](int64_t value) { return !enough_so_far(value); });
    }
    std::vector<std::optional<bool>> answers;
    for (const int64_t value : values) answers.emplace_back(enough_so_far(value));
    return answers;
  }
  const SweepRow& row(int64_t value) const { return known_.at(value); }
  FitPoint point(int64_t value) const { return {value, row(value).verdict, why_of(row(value))}; }
  int asked() const { return static_cast<int>(known_.size()); }

 private:
  bool enough_so_far(int64_t value) const { return well_enough(row(value), fit_options_.until); }
  void ask(const std::vector<int64_t>& values, int seed) {
    Variation variation{vary_key(fit_options_.key), {}};
    for (const int64_t value : values) variation.values.push_back(std::to_string(value));
    RunOptions options = options_;
    options.model.seed = Seed{static_cast<uint64_t>(seed)};
    auto rows = sweep({workload_, host_, options}, Combinations::of({variation}).value(), 0);
    for (size_t i = 0; i < values.size(); ++i) {
      SweepRow row = rows ? std::move(rows.value()[i]) : SweepRow{};
      if (!rows) row.error = rows.error().message;
      known_.insert_or_assign(values[i], std::move(row));
    }
  }

  const Workload& workload_;
  const host::HostSpec& host_;
  const RunOptions& options_;
  const FitOptions& fit_options_;
  std::map<int64_t, SweepRow> known_;
};

/// Returns the program's footprint peak in bytes on the host as it is.
Result<int64_t> footprint_on(const Workload& workload, const host::HostSpec& host, const RunOptions& options) {
  auto rows = sweep({workload, host, options}, Combinations::of({}).value(), 1);
  if (!rows) return rows.error();
  const SweepRow& row = rows->front();
  if (!row.error.empty()) return Error{row.error};
  return row.figures.footprint_peak.count();
}

/// The range begins at a sixteenth of the footprint (for swap, at the granule) and ends far above what should be
/// enough.
/// Whether a process is killed depends on the amount of memory. When reclaim begins, and which task has to reclaim,
/// depends on timing, too, so that more memory can do worse: for those verdicts more values above the answer are asked.
SearchRange range_around(int64_t footprint, const std::string& key, const std::string& until) {
  SearchRange range;
  range.granule = kGranule;
  range.width = std::clamp(cores_for(0), 1, 8);
  // A little swap can be enough, but a host cannot have much less memory than the program's footprint.
  range.least = key == "swap" ? kGranule : std::max(kMiB, footprint / 16);
  range.guess = footprint;
  range.most = kMostTimes * (2 * footprint + kSpareBytes);
  range.above_permille = {1020, 1050, 1100, 1250};
  if (until != "no_oom")
    range.above_permille = {1010, 1020, 1035, 1050, 1075, 1100, 1130, 1160, 1200, 1250, 1350, 1500};
  return range;
}

Fit result_of(const SearchResult& found, const Asker& asker, const FitOptions& options) {
  Fit fit;
  fit.key = options.key;
  fit.until = options.until;
  fit.margin_percent = options.margin_percent;
  fit.most_asked = found.below.value_or(0);
  fit.asked = found.asked;
  fit.seeds = options.seeds;
  fit.uneven = found.uneven;
  if (found.below) fit.below = asker.point(*found.below);
  fit.host_is_too_small = !found.smallest && options.key.starts_with("memory.");
  if (!found.smallest) return fit;
  const SweepRow& row = asker.row(*found.smallest);
  fit.smallest = asker.point(*found.smallest);
  fit.recommended = with_margin(*found.smallest, options.margin_percent);
  fit.footprint_peak_bytes = row.figures.footprint_peak.count();
  fit.unrecorded_uses = row.unrecorded_uses;
  fit.other_limits = row.other_limits;
  return fit;
}

/// What the setting cannot say must hold where it is pasted: the kubelet gives containers no swap by default, and a pod
/// has no word for it.
host::HostSpec as_where_it_goes(host::HostSpec host, const FitOptions& options) {
  if (options.as == "k8s" && !host.swaps.empty() && host.cgroup.memory_swap_max < 0) {
    host.cgroup.memory_swap_max = 0;
    host.cgroup.present = true;
  }
  return host;
}

}  // namespace

Result<Fit> fit(const Workload& workload, const host::HostSpec& given, const RunOptions& options,
                const FitOptions& fit_options, const FitProgress& progress) {
  const host::HostSpec host = as_where_it_goes(given, fit_options);
  auto footprint = footprint_on(workload, host, options);
  if (!footprint) return footprint.error();
  Asker asker(workload, host, options, fit_options);
  const SearchResult found = smallest_enough(
      range_around(footprint.value(), fit_options.key, fit_options.until), [&](const std::vector<int64_t>& values) {
        const auto [least, most] = std::minmax_element(values.begin(), values.end());
        progress(asker.asked(), *least, *most);
        return asker.enough(values);
      });
  if (!found.smallest && !asker.row(*found.below).error.empty())
    return Error{"--for " + fit_options.key + ": " + asker.row(*found.below).error};
  Fit fit = result_of(found, asker, fit_options);
  if (host.cgroup.memory_swap_max >= 0) fit.swap_max_bytes = host.cgroup.memory_swap_max;
  fit.without_swap = host.cgroup.memory_swap_max != given.cgroup.memory_swap_max;
  fit.any_swap = !host.swaps.empty() && host.cgroup.memory_swap_max < 0;
  return fit;
}

}  // namespace oomcast::report
