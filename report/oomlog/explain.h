// Says in plain words what an OOM report tells: who asked, what was short, why this victim, what could not be had.
#pragma once

#include <string>
#include <vector>

#include "report/oomlog/oom_report.h"

namespace oomcast::oomlog {

/// One question with its answer, a sentence per fact.
struct Section {
  std::string key;  // of the JSON: "asked", "short", "victim", "reclaimable", "help", "missing"
  std::string title;
  std::vector<std::string> sentences;
};

/// `section` is left out when it has nothing to say.
struct Explanation {
  std::string headline;
  std::vector<Section> sections;
};
Explanation explain(const OomReport& report);

/// For a terminal: the headline, then each section with its sentences indented and wrapped. Control bytes of names
/// are blanks.
std::string explanation_text(const Explanation& explanation);
/// A section as explanation_text() has it, with an empty line before it.
std::string section_text(const Section& section);
struct SimulatedKill;
/// oomcast.explain.v1: the figures that the sentences rest on, then the sentences. `simulated` may be null.
std::string explanation_json(const OomReport& report, const Explanation& explanation, const SimulatedKill* simulated);

// One section each.
Section explain_request(const OomReport& report);
Section explain_shortage(const OomReport& report);
Section explain_victim(const OomReport& report);
Section explain_reclaimable(const OomReport& report);
Section explain_help(const OomReport& report);
Section explain_missing(const OomReport& report);

}  // namespace oomcast::oomlog
