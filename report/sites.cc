// Weighs the sampled sites so that they add up to what was touched. See sites.h.
#include "report/sites.h"

#include <algorithm>
#include <map>

namespace oomcast::report {
namespace {

constexpr int64_t kLeastPart = 10;  // a kind's samples stand for that part of it at least, or speak for themselves only
constexpr int64_t kMillion = 1'000'000;

struct Kind {
  std::vector<SiteRow> sampled;
  Bytes rest, rest_resident_peak;  // of pages that no sample stands for
};

int64_t scaled(int64_t value, int64_t by, int64_t of) {
  return of == 0 ? 0 : static_cast<int64_t>(static_cast<__int128>(value) * by / of);
}

std::string kind_of(uint32_t stack_id, const trace::CaptureSummary& capture) {
  if (stack_id == 0 || stack_id > std::max(capture.site_kinds.size(), capture.stacks.size())) return "unsampled";
  return stack_id <= capture.site_kinds.size() ? capture.site_kinds[stack_id - 1] : "heap";  // an old trace
}

bool has_stack(uint32_t stack_id, const trace::CaptureSummary& capture) {
  return stack_id != 0 && stack_id <= capture.stacks.size() && !capture.stacks[stack_id - 1].empty();
}

/// Each site keeps its part of the kind; what rounding leaves over goes to the largest.
void give_rest_to_samples(Kind& kind) {
  Bytes sampled;
  for (const SiteRow& row : kind.sampled) sampled += row.touched;
  if (sampled.count() <= 0 || sampled.count() * kLeastPart < (sampled + kind.rest).count()) return;
  Bytes left = kind.rest;
  for (SiteRow& row : kind.sampled) {
    const Bytes part(scaled(kind.rest.count(), row.touched.count(), sampled.count()));
    if (row.touched.count() > 0)
      row.resident_peak += Bytes(scaled(part.count(), row.resident_peak.count(), row.touched.count()));
    row.touched += part;
    left -= part;
  }
  kind.sampled.front().touched += left;
  kind.rest = kind.rest_resident_peak = Bytes(0);
}

bool larger(const SiteRow& a, const SiteRow& b) { return a.touched > b.touched; }

std::map<std::string, Kind> by_kind(const sim::Outcome& outcome, const trace::CaptureSummary& capture) {
  std::map<std::string, Kind> kinds;
  Bytes seen;
  for (const sim::Site& site : outcome.sites) {
    seen += site.touched;
    const std::string name = kind_of(site.stack_id, capture);
    Kind& kind = kinds[name];
    if (has_stack(site.stack_id, capture)) {
      kind.sampled.push_back({name, site.stack_id, site.touched, site.resident_peak, 0});
    } else {
      kind.rest += site.touched;
      kind.rest_resident_peak += site.resident_peak;
    }
  }
  if (outcome.app.touched > seen) kinds["unsampled"].rest += outcome.app.touched - seen;
  return kinds;
}

/// Each share is rounded so that the sum up to any row is right to a millionth.
void set_shares(std::vector<SiteRow>& rows) {
  Bytes all, so_far;
  for (const SiteRow& row : rows) all += row.touched;
  int64_t told = 0;
  for (SiteRow& row : rows) {
    so_far += row.touched;
    row.share_ppm = scaled(so_far.count(), kMillion, all.count()) - told;
    told += row.share_ppm;
  }
}

}  // namespace

std::vector<SiteRow> site_rows(const sim::Outcome& outcome, const trace::CaptureSummary& capture) {
  std::map<std::string, Kind> kinds = by_kind(outcome, capture);
  std::vector<SiteRow> rows;
  for (auto& [name, kind] : kinds) {
    std::stable_sort(kind.sampled.begin(), kind.sampled.end(), larger);
    give_rest_to_samples(kind);
    rows.insert(rows.end(), kind.sampled.begin(), kind.sampled.end());
  }
  std::stable_sort(rows.begin(), rows.end(), larger);
  for (; rows.size() > kSiteRowsMax; rows.pop_back()) {
    Kind& kind = kinds[rows.back().kind];
    kind.rest += rows.back().touched;
    kind.rest_resident_peak += rows.back().resident_peak;
  }
  for (const auto& [name, kind] : kinds)
    if (kind.rest.count() > 0) rows.push_back({name, 0, kind.rest, kind.rest_resident_peak, 0});
  std::stable_sort(rows.begin(), rows.end(), larger);
  set_shares(rows);
  return rows;
}

}  // namespace oomcast::report
