// Explains an OOM report in plain words: who asked, what was short, why this victim, and why memory could not be freed.
#pragma once

#include <string>
#include <vector>

#include "report/oomlog/oom_report.h"

namespace oomcast::oomlog {

/// One question and its answer, one fact per sentence.
struct Section {
  std::string key;  // key in the JSON: "asked", "short", "victim", "reclaimable", "help", "missing", "simulation"
  std::string title;
  std::vector<std::string> sentences;
};

/// Sections without a sentence are left out.
struct Explanation {
  std::string headline;
  std::vector<Section> sections;
};
Explanation explain(const OomReport& report);

/// For a terminal: the headline, then each section with its sentences indented and wrapped. Control bytes in names
/// become blanks.
std::string explanation_text(const Explanation& explanation);
/// A section as in explanation_text(), after an empty line.
std::string section_text(const Section& section);
struct SimulatedKill;
/// oomcast.explain.v1: the figures behind the sentences, then the sentences. `simulated` may be null.
std::string explanation_json(const OomReport& report, const Explanation& explanation, const SimulatedKill* simulated);

// One function per section.
Section explain_request(const OomReport& report);
Section explain_shortage(const OomReport& report);
Section explain_victim(const OomReport& report);
Section explain_reclaimable(const OomReport& report);
Section explain_help(const OomReport& report);
Section explain_missing(const OomReport& report);

}  // namespace oomcast::oomlog
