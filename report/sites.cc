// Scales the sampled sites so that the rows add up to the touched memory. See sites.h.
#include "report/sites.h"

#include <algorithm>
#include <map>

namespace oomcast::report {
namespace {

constexpr int64_t kLeastPart = 10;  // samples of less than a tenth of their kind are not scaled
constexpr int64_t kMillion = 1'000'000;

struct Kind {
  std::vector<SiteRow> sampled;
  SiteRow rest;  // memory without a sampled stack
};

void add(SiteRow& to, const SiteRow& row) {
  to.touched += row.touched;
  to.resident_peak += row.resident_peak;
  to.resident_at.resize(std::max(to.resident_at.size(), row.resident_at.size()));
  for (size_t i = 0; i < row.resident_at.size(); ++i) to.resident_at[i] += row.resident_at[i];
}

int64_t scaled(int64_t value, int64_t by, int64_t of) {
  return of == 0 ? 0 : static_cast<int64_t>(static_cast<__int128>(value) * by / of);
}

std::string kind_of(uint32_t stack_id, const trace::CaptureSummary& capture) {
  if (stack_id == 0 || stack_id > std::max(capture.site_kinds.size(), capture.stacks.size())) return "unsampled";
  // Traces of older versions hold no kinds.
  return stack_id <= capture.site_kinds.size() ? capture.site_kinds[stack_id - 1] : "heap";
}

bool has_stack(uint32_t stack_id, const trace::CaptureSummary& capture) {
  return stack_id != 0 && stack_id <= capture.stacks.size() && !capture.stacks[stack_id - 1].empty();
}

/// Distributes the kind's memory without a stack over its samples, in proportion to their touched bytes. The largest
/// sample takes the remainder of rounding.
void give_rest_to_samples(Kind& kind) {
  Bytes sampled;
  for (const SiteRow& row : kind.sampled) sampled += row.touched;
  if (sampled.count() <= 0 || sampled.count() * kLeastPart < (sampled + kind.rest.touched).count()) return;
  Bytes left = kind.rest.touched;
  for (SiteRow& row : kind.sampled) {
    const Bytes part(scaled(kind.rest.touched.count(), row.touched.count(), sampled.count()));
    const auto with_part = [&](Bytes resident) {
      return resident + Bytes(scaled(part.count(), resident.count(), row.touched.count()));
    };
    row.resident_peak = with_part(row.resident_peak);
    for (Bytes& resident : row.resident_at) resident = with_part(resident);
    row.touched += part;
    left -= part;
  }
  kind.sampled.front().touched += left;
  kind.rest = {};
}

bool larger(const SiteRow& a, const SiteRow& b) { return a.touched > b.touched; }

Bytes resident_at(const sim::Moment& moment, uint32_t stack_id) {
  const auto found = std::lower_bound(moment.sites.begin(), moment.sites.end(), stack_id,
                                      [](const sim::SiteResident& site, uint32_t id) { return site.stack_id < id; });
  return found != moment.sites.end() && found->stack_id == stack_id ? found->resident : Bytes(0);
}

std::map<std::string, Kind> by_kind(const sim::Outcome& outcome, const trace::CaptureSummary& capture) {
  std::map<std::string, Kind> kinds;
  Bytes seen;
  for (const sim::Site& site : outcome.sites) {
    seen += site.touched;
    const std::string name = kind_of(site.stack_id, capture);
    Kind& kind = kinds[name];
    SiteRow row{name, site.stack_id, site.touched, site.resident_peak, {}, 0};
    for (const sim::Moment& moment : outcome.moments) row.resident_at.push_back(resident_at(moment, site.stack_id));
    if (has_stack(site.stack_id, capture))
      kind.sampled.push_back(std::move(row));
    else
      add(kind.rest, row);
  }
  if (outcome.app.touched > seen) kinds["unsampled"].rest.touched += outcome.app.touched - seen;
  return kinds;
}

/// Rounds the shares so that the sum of the rows up to any row is exact to a millionth.
void set_shares(std::vector<SiteRow>& rows) {
  Bytes all, so_far;
  for (const SiteRow& row : rows) all += row.touched;
  int64_t given = 0;
  for (SiteRow& row : rows) {
    so_far += row.touched;
    row.share_ppm = scaled(so_far.count(), kMillion, all.count()) - given;
    given += row.share_ppm;
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
  for (; rows.size() > kSiteRowsMax; rows.pop_back()) add(kinds[rows.back().kind].rest, rows.back());
  for (auto& [name, kind] : kinds) {
    if (kind.rest.touched.count() <= 0) continue;
    kind.rest.kind = name;
    rows.push_back(std::move(kind.rest));
  }
  std::stable_sort(rows.begin(), rows.end(), larger);
  set_shares(rows);
  return rows;
}

}  // namespace oomcast::report
