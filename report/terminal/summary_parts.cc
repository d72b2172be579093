// Parts of the summary. See summary_parts.h.
#include "report/terminal/summary_parts.h"

#include <algorithm>

#include "report/proof/proof_words.h"
#include "report/sites.h"
#include "report/terminal/sparkline.h"
#include "report/terminal/terminal_text.h"
#include "report/words/format.h"

namespace oomcast::report {
namespace {

constexpr size_t kCells = 40, kNodesMost = 4, kSitesMost = 3, kFramesMost = 3, kTriesMost = 3;
constexpr int64_t kSmallestShare = 30'000;  // in millionths: stacks with less than 3 % do not help the user

void add_free_line(const sim::Outcome& outcome, size_t n, bool first, SummaryPaper& paper) {
  const NodeMarks marks = marks_of(outcome.host.nodes[n]);
  const std::vector<int> levels = free_levels(outcome, n, kCells);
  const auto free_of = [&](const sim::TimelineRow& row) {
    return std::max(Pages(0), row.node_free[n] - marks.held_back);
  };
  Pages least = free_of(outcome.timeline.front());
  for (const sim::TimelineRow& row : outcome.timeline) least = std::min(least, free_of(row));
  const std::string ends = bytes_text(to_bytes(free_of(outcome.timeline.front()))) + ", least " +
                           bytes_text(to_bytes(least)) + " (low " + bytes_text(to_bytes(marks.low)) + ", min " +
                           bytes_text(to_bytes(marks.min)) + ")";
  paper.line(first ? "free" : "",
             "node " + std::to_string(outcome.host.nodes[n].id.value) + " " +
                 sparkline(levels, paper.look().color, paper.look().ascii) + " " + ends,
             first ? Rank::kUseful : Rank::kDetail, 1);
}

std::string innermost_frames(const std::vector<std::string>& stack) {
  std::string frames;
  for (size_t i = 0; i < std::min(stack.size(), kFramesMost); ++i)
    frames += (i == 0 ? "" : " < ") + printable(stack[i]);
  return frames;
}

}  // namespace

void write_free_memory(const sim::Outcome& outcome, SummaryPaper& paper) {
  constexpr size_t kRowsLeast = 3;
  const size_t nodes = outcome.host.nodes.size();
  if (outcome.timeline.size() < kRowsLeast) return;
  for (const sim::TimelineRow& row : outcome.timeline)
    if (row.node_free.size() < nodes) return;
  for (size_t n = 0; n < std::min(nodes, kNodesMost); ++n) add_free_line(outcome, n, n == 0, paper);
}

/// Adds up stacks with the same innermost frames. The report has the stacks in full.
void write_sites(const sim::Outcome& outcome, const trace::CaptureSummary& capture, SummaryPaper& paper) {
  std::vector<std::pair<std::string, int64_t>> shares;
  for (const SiteRow& row : site_rows(outcome, capture)) {
    if (row.stack_id == 0 || row.stack_id > capture.stacks.size()) continue;
    const std::string frames = innermost_frames(capture.stacks[row.stack_id - 1]);
    auto known = std::find_if(shares.begin(), shares.end(), [&](const auto& each) { return each.first == frames; });
    if (known == shares.end()) known = shares.insert(known, {frames, 0});
    known->second += row.share_ppm;
  }
  std::stable_sort(shares.begin(), shares.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  for (size_t i = 0; i < std::min(shares.size(), kSitesMost) && shares[i].second >= kSmallestShare; ++i)
    paper.line(i == 0 ? "memory of" : "", percent_text(shares[i].second, 1'000'000) + ": " + shares[i].first,
               i == 0 ? Rank::kUseful : Rank::kExtra, 1);
}

void write_tries(const Findings& findings, SummaryPaper& paper) {
  const Try* least = least_proven(findings);
  if (least) paper.line("change", least->change + " [" + proof_text(*least) + "]");
  std::vector<std::pair<const Try*, bool>> tries;  // each change once, and whether a simulation could tell
  std::vector<std::string> said;
  if (least) said.push_back(least->change);
  for (const Finding& finding : findings)
    for (const Try& suggestion : finding.tries) {
      if (finding.severity == Severity::kInfo || std::find(said.begin(), said.end(), suggestion.change) != said.end())
        continue;
      said.push_back(suggestion.change);
      tries.emplace_back(&suggestion, finding.id != "tracking_not_available");
    }
  const auto order = [](const Try* suggestion) { return !suggestion->proven ? 1 : *suggestion->proven ? 0 : 2; };
  std::stable_sort(tries.begin(), tries.end(),
                   [&](const auto& a, const auto& b) { return order(a.first) < order(b.first); });
  size_t shown = std::min(tries.size(), least ? kTriesMost - 1 : kTriesMost);
  if (tries.size() == shown + 1) ++shown;  // one more takes no more room than to say that there is one more
  for (size_t i = 0; i < shown; ++i)
    paper.line(i > 0   ? ""
               : least ? "also"
                       : "try",
               tries[i].first->change + (tries[i].second ? " [" + proof_text(*tries[i].first) + "]" : ""),
               i == 0 && !least ? Rank::kMust : Rank::kDetail);
  if (tries.size() > shown)
    paper.line("", "more in the report: " + std::to_string(tries.size() - shown), Rank::kDetail);
}

}  // namespace oomcast::report
