// Judges the forecast of a changed target. See aims.h.
#include "report/proof/aims.h"

#include <algorithm>

#include "report/coverage.h"
#include "report/findings.h"

namespace oomcast::report {
namespace {

/// Whether kswapd or a task reclaims the last pages is a race, in the kernel as in the model. Shorter waits count as
/// none.
constexpr Nanoseconds kRace{1'000'000};

bool found(const std::string& id, const sim::Outcome& outcome, const trace::CaptureSummary& capture) {
  const Findings findings = find_all(outcome, capture);
  return std::any_of(findings.begin(), findings.end(), [&](const Finding& finding) { return finding.id == id; });
}

bool kills(const sim::Outcome& outcome, bool guest) {
  return std::any_of(outcome.oom_kills.begin(), outcome.oom_kills.end(), [&](const sim::OomKill& kill) {
    return kill.end != sim::OomEnd::kKilled || kill.victim.guest == guest;
  });
}

bool finding_gone(const std::string& id, const sim::Outcome& before, const sim::Outcome& after,
                  const trace::CaptureSummary& capture) {
  if (after.verdict > before.verdict || after.halted) return false;
  if (id == "oom_kill" || id == "oom_bystander" || id == "panic" || id == "stuck" || id == "tmpfs_full")
    return after.verdict < sim::Verdict::kAllocRefused;
  if (id == "direct_reclaim" && after.verdict <= sim::Verdict::kDirectReclaim && after.stall.total < kRace &&
      after.stall.total * 10 < before.stall.total)
    return true;
  return !found(id, after, capture);
}

}  // namespace

std::optional<bool> reached(Aim aim, const std::string& finding_id, const sim::Outcome& before,
                            const sim::Outcome& after, const trace::CaptureSummary& capture) {
  if (!supported_verdict(after, capture)) return std::nullopt;
  if (after.evictions.size() > before.evictions.size()) return false;
  switch (aim) {
    case Aim::kFindingGone:
      return finding_gone(finding_id, before, after, capture);
    case Aim::kProgramLives:
      return !kills(after, true);
    case Aim::kOthersLive:
      return !kills(after, false);
    case Aim::kHostLives:
      return !after.halted && std::none_of(after.app.processes.begin(), after.app.processes.end(),
                                           [](const sim::AppProcess& process) { return process.stuck_at.has_value(); });
    case Aim::kWaitsLess:
      return after.verdict <= before.verdict && after.stall.total.count() * 2 < before.stall.total.count();
  }
  return std::nullopt;
}

Effect effect_of(const sim::Outcome& outcome) {
  using host::Vmstat;
  return {outcome.stall.total, outcome.forecast, outcome.counters[Vmstat::pswpin], outcome.counters[Vmstat::pswpout],
          outcome.counters[Vmstat::workingset_refault_file]};
}

Bytes held_back(const host::HostSpec& before, const host::HostSpec& after) {
  const auto high = [](const host::HostSpec& host) {
    Pages sum;
    for (const host::NodeSpec& node : host.nodes)
      for (const host::ZoneSpec& zone : node.zones) sum += zone.watermarks.high;
    return sum;
  };
  return std::max(Bytes(0), to_bytes(high(after) - high(before)));
}

std::vector<std::string> killed_names(const sim::Outcome& outcome) {
  std::vector<std::string> names;
  for (const sim::OomKill& kill : outcome.oom_kills) {
    if (kill.end != sim::OomEnd::kKilled) continue;
    std::string name = kill.victim.comm + " (pid " + std::to_string(kill.victim.pid) + ")";
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
  }
  return names;
}

}  // namespace oomcast::report
