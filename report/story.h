// Tells in sentences what a report, a sweep or a comparison says: the first thing on a page, and the middle of the
// summary.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace oomcast::report {

struct Figure {
  std::string name, value;
};

struct Story {
  std::string headline;                // "OOM kill, 7.96 s into the run"
  std::string tone;                    // "good", "fair", "bad", or "unknown" where no verdict is given
  std::vector<std::string> sentences;  // in the order in which they are asked for; each stands alone
  std::vector<Figure> figures;         // a few numbers, in words
};

struct CourseSentence {
  std::string text;
  bool decides = false;  // the incident that the verdict is about, and who died of it
};
/// What happened, in the order of time: who asked, which zone or group was short, what was reclaimed, who died. Empty
/// where nothing did.
std::vector<CourseSentence> course_of(const nlohmann::ordered_json& report);

/// `report`: an oomcast.report.v1. Keys that older reports lack are passed over; a key of another type than the schema
/// says throws nlohmann::json::exception.
Story report_story(const nlohmann::ordered_json& report);
/// `sweep`: an oomcast.sweep.v1.
Story sweep_story(const nlohmann::ordered_json& sweep);
/// `diff`: an oomcast.diff.v1 with the two reports' verdicts among its numbers.
Story diff_story(const nlohmann::ordered_json& diff);

/// "OOM kill" for "oom_kill", "direct reclaim"; "no verdict" for null.
std::string verdict_words(const nlohmann::ordered_json& verdict);
/// The first letter as at the start of a sentence.
std::string capitalised(std::string words);
/// The tone of a verdict, see Story::tone.
std::string verdict_tone(const nlohmann::ordered_json& verdict);

}  // namespace oomcast::report
