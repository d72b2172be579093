// Judges whether the recording supports the forecast. See coverage.h.
#include "report/coverage.h"

#include <algorithm>

#include "report/words/format.h"
#include "report/words/why.h"

namespace oomcast::report {
namespace {

Bytes bytes_of(uint64_t n) { return Bytes(static_cast<int64_t>(n)); }

// The recorder promises to track at least 97 % of RssAnon. Below that the report says so.
constexpr uint64_t kGoodPercent = 97;
// The loader and libc touch a few pages before tracking starts. In a small program their share is large, but it means
// nothing.
constexpr uint64_t kNoiseBytes = 2 << 20;
constexpr uint64_t kLeastComparedBytes = 1 << 20;

bool assumed_like(const host::HostSpec& host, const char* word) {
  return std::any_of(host.assumed.begin(), host.assumed.end(),
                     [&](const std::string& line) { return line.find(word) != std::string::npos; });
}

}  // namespace

uint64_t own_rss_bytes(const trace::CaptureSummary& capture) {
  return capture.rss_peak_bytes - std::min(capture.rss_peak_bytes, capture.prefilled_bytes);
}

uint64_t unseen_bytes(const trace::CaptureSummary& capture) {
  const uint64_t rss = own_rss_bytes(capture);
  return rss - std::min(capture.tracked_peak_bytes, rss);
}

Bytes may_be_unseen(const trace::CaptureSummary& capture) {
  return bytes_of(capture.prefilled_bytes + unseen_bytes(capture));
}

Support judge_support(const sim::Outcome& outcome, const trace::CaptureSummary& capture) {
  const uint64_t rss = own_rss_bytes(capture), unseen = unseen_bytes(capture), tracked = rss - unseen;
  bool killed = outcome.verdict == sim::Verdict::kOomKill;
  if (const std::string& why = capture.cut.empty() ? capture.stopped : capture.cut; !why.empty())
    return {killed ? Support::Level::kLow : Support::Level::kWithheld, why};
  std::string seen = bytes_text(bytes_of(tracked)) + " of " + bytes_text(bytes_of(rss)) + " resident anonymous memory";
  if (capture.tracker.empty() || capture.tracker == "none")
    return {killed ? Support::Level::kLow : Support::Level::kWithheld,
            "no tracker could run, " + seen + " was seen; a verdict would mean nothing"};
  auto ram = static_cast<uint64_t>(std::max<int64_t>(0, to_bytes(outcome.host.total_ram).count()));
  if (!killed && unseen > tracked && unseen > std::max<uint64_t>(kNoiseBytes, ram / 64))
    return {Support::Level::kWithheld, "only " + seen + " was seen, too little for a verdict"};
  if (unseen <= kNoiseBytes || tracked * 100 >= rss * kGoodPercent) return {};
  if (!killed && outcome.next_worse && outcome.next_worse->distance < bytes_of(unseen))
    return {Support::Level::kWithheld, "only " + seen + " was seen; the other " + bytes_text(bytes_of(unseen)) +
                                           " could change the verdict, " + bytes_text(outcome.next_worse->distance) +
                                           " were left before a worse one"};
  return {Support::Level::kLow, "only " + seen + " was seen; the target would see more memory used than forecast"};
}

Compared compare_with_kernel(const trace::CaptureSummary& capture) {
  const uint64_t rss = own_rss_bytes(capture), tracked = capture.tracked_peak_bytes, tenth = rss / 10;
  if (rss == 0) return {std::nullopt, "the kernel's count of the program's memory was never read"};
  if (tracked / 2 > rss)
    return {std::nullopt, "the kernel's count was read when the program had less (" + bytes_text(bytes_of(rss)) + ")"};
  if (rss < kLeastComparedBytes && (tracked < rss - tenth || tracked > rss + tenth))
    return {std::nullopt, "the program had too little memory to compare (" + bytes_text(bytes_of(rss)) + ")"};
  return {static_cast<double>(tracked) / static_cast<double>(rss), {}};
}

std::string incomplete_text(const trace::CaptureSummary& capture) {
  if (!capture.cut.empty()) return capture.cut;
  if (!capture.stopped.empty()) return capture.stopped;
  if (capture.still_running.empty()) return {};
  constexpr size_t kNamed = 5;
  return "processes still running: " + std::to_string(capture.still_running.size()) + " (" +
         list_text(capture.still_running, kNamed) +
         "); the forecast covers the run up to the end of the program's first process";
}

std::optional<sim::Verdict> supported_verdict(const sim::Outcome& outcome, const trace::CaptureSummary& capture) {
  if (judge_support(outcome, capture).level == Support::Level::kWithheld) return std::nullopt;
  return outcome.verdict;
}

const char* rests_on_name(RestsOn rests_on) {
  switch (rests_on) {
    case RestsOn::kMeasured:
      return "measured";
    case RestsOn::kModelled:
      return "modelled";
    case RestsOn::kAssumed:
      return "assumed";
    case RestsOn::kExtrapolated:
      return "extrapolated";
    case RestsOn::kWithheld:
      return "withheld";
  }
  return "modelled";
}

std::vector<Basis> headline_basis(const sim::Outcome& outcome, const trace::CaptureSummary& capture) {
  Support support = judge_support(outcome, capture);
  bool withheld = support.level == Support::Level::kWithheld;
  bool speed_assumed = assumed_like(outcome.host, "calibration");
  bool devices_assumed = assumed_like(outcome.host, "swap") && outcome.host.total_swap().count() > 0;
  std::string low = support.level == Support::Level::kLow ? "; " + support.why : "";
  std::vector<Basis> basis;
  basis.push_back({"verdict", withheld ? RestsOn::kWithheld : RestsOn::kModelled,
                   withheld ? support.why : "one simulation of the host, one seed" + low});
  basis.push_back(
      {"first", withheld ? RestsOn::kWithheld : RestsOn::kModelled,
       withheld ? support.why
                : "footprints at which things happen rest on the model; moments also on the host's speed" + low});
  basis.push_back({"forecast_s", speed_assumed ? RestsOn::kAssumed : RestsOn::kModelled,
                   speed_assumed ? "the target's speed is not in the host description; a documented default was taken"
                                 : "this machine's CPU time scaled to the target's, plus modelled faults and stalls"});
  basis.push_back(
      {"stall", devices_assumed ? RestsOn::kAssumed : RestsOn::kModelled,
       devices_assumed ? "the swap device's service times were assumed" : "modelled reclaim and device times"});
  const auto chosen = std::count_if(outcome.oom_kills.begin(), outcome.oom_kills.end(),
                                    [](const sim::OomKill& kill) { return !kill.went_along; });
  basis.push_back({"oom_kills", chosen > 1 ? RestsOn::kExtrapolated : RestsOn::kModelled,
                   chosen > 1
                       ? "after the first kill the program ran on in a world that the target would not have shown it"
                       : "scores of the kernel's own formula over the host's processes and the program's"});
  basis.push_back(
      {"app", withheld ? RestsOn::kWithheld : RestsOn::kMeasured, "pages that tracking saw in this run" + low});
  // A replay whose target reclaims pages that the recording did not watch: from there on each decision of reclaim is a
  // guess.
  if (!withheld && !capture.extrapolated.empty())
    for (Basis& b : basis)
      if (b.key != "app") b = {b.key, RestsOn::kExtrapolated, capture.extrapolated};
  basis.push_back({"coverage", RestsOn::kMeasured, "compared with the kernel's own RssAnon of the program"});
  return basis;
}

std::string dry_memory_high_text(const sim::Outcome& outcome) {
  const Nanoseconds dry = outcome.stall.memory_high_dry_total;
  if (dry.count() == 0) return "";
  return "The stalls above memory.high may be much longer than the " + duration_text(dry) +
         " that the model counts: the group stays above it without swap, and only pages in use are left to reclaim. A "
         "kernel takes the "
         "program's own text there again and again, and each page of it that is read back can cost another sleep. A "
         "group of 98 MiB "
         "under memory.high=96M stood still for more than 200 s on 6.1, where the model counts less than a second.";
}

std::vector<std::string> all_caveats(const sim::Outcome& outcome, const trace::CaptureSummary& capture) {
  std::vector<std::string> caveats = capture.caveats;
  if (std::string incomplete = incomplete_text(capture); !incomplete.empty())
    caveats.push_back("Incomplete: " + incomplete + ".");
  if (!capture.extrapolated.empty()) caveats.push_back("Extrapolated: " + capture.extrapolated + ".");
  for (std::string& caveat : model_caveats(outcome)) caveats.push_back(std::move(caveat));
  if (std::string dry = dry_memory_high_text(outcome); !dry.empty()) caveats.push_back(std::move(dry));
  if (outcome.host.cgroup.present)
    caveats.push_back("entries of counters.memcg's memory.stat that are null are not kept by the model");
  return caveats;
}

}  // namespace oomcast::report
