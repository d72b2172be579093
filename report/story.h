// Tells in sentences what a report, a sweep or a comparison says: for the top of a page, and for the middle of the
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
  std::string tone;                    // "good", "fair", "bad"; "unknown" for a withheld verdict
  std::vector<std::string> sentences;  // most important first; each is complete in itself
  std::vector<Figure> figures;         // a few numbers, as text
};

struct CourseSentence {
  std::string text;
  bool decides = false;  // tells of the incident that the verdict is about, or of its victim
};
/// Returns what happened, in the order of time: which task asked, which zone or group was short, what was reclaimed,
/// which task was killed. Empty if nothing happened.
std::vector<CourseSentence> course_of(const nlohmann::ordered_json& report);

/// `report`: an oomcast.report.v1. A key that an older report lacks is skipped. Throws nlohmann::json::exception if a
/// value's type differs from the schema's.
Story report_story(const nlohmann::ordered_json& report);
/// `sweep`: an oomcast.sweep.v1. Throws nlohmann::json::exception for a missing key.
Story sweep_story(const nlohmann::ordered_json& sweep);
/// `diff`: an oomcast.diff.v1, with the verdicts of both reports among its numbers. Throws nlohmann::json::exception
/// for a missing key.
Story diff_story(const nlohmann::ordered_json& diff);

/// Returns "OOM kill" for "oom_kill", "no verdict" for null.
std::string verdict_words(const nlohmann::ordered_json& verdict);
/// Returns `words` with a capital first letter.
std::string capitalised(std::string words);
/// Returns the tone of a verdict, see Story::tone.
std::string verdict_tone(const nlohmann::ordered_json& verdict);

}  // namespace oomcast::report
