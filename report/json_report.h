// Writes the whole outcome as JSON for scripts: `oomcast.report.v1`, described by schema/oomcast.report.v1.json.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "report/chance.h"
#include "report/findings.h"
#include "report/sites.h"

namespace oomcast::report {

inline constexpr const char* kReportSchema = "oomcast.report.v1";

/// Returns the report. All keys are always there, in the same order; a value that nothing computes is null.
nlohmann::ordered_json to_json(const sim::Outcome& outcome, const trace::CaptureSummary& capture,
                               const Findings& findings, const ProofSummary& proofs = {}, const Chance& chance = {});
/// Returns the text of the report file: an indent of two spaces, a column of numbers on one line, a newline at the end.
std::string report_text(const nlohmann::ordered_json& report);

/// Parts of the report.
nlohmann::ordered_json incident_json(const sim::Incident& incident, const std::string& why,
                                     const trace::CaptureSummary& capture);
nlohmann::ordered_json oom_kill_json(const sim::OomKill& kill);
nlohmann::ordered_json counters_json(const sim::Outcome& outcome);
nlohmann::ordered_json timeline_json(const sim::Outcome& outcome);
nlohmann::ordered_json moments_json(const sim::Outcome& outcome, const std::vector<SiteRow>& sites);
/// Evictions by the kubelet, in the order of time.
nlohmann::ordered_json evictions_json(const sim::Outcome& outcome);
/// The services of a replay of several recordings; an empty array for a single program.
nlohmann::ordered_json services_json(const sim::Outcome& outcome, const trace::CaptureSummary& capture);
/// How a program ended: its exit status, its signal, or neither if unknown.
nlohmann::ordered_json exit_json(bool exited, int code, int signal);
/// Returns bytes; null: no limit.
nlohmann::ordered_json limit_json(Pages limit);
nlohmann::ordered_json pressure_line_json(const sim::PressureLine& line);
nlohmann::ordered_json watermarks_json(const host::Watermarks& marks);
nlohmann::ordered_json stall_json(const sim::Stall& stall);
nlohmann::ordered_json findings_json(const Findings& findings);
nlohmann::ordered_json coverage_json(const sim::Outcome& outcome, const trace::CaptureSummary& capture);

/// Returns seconds, rounded to microseconds.
double json_seconds(Nanoseconds t);
/// Returns millionths as a share from 0 to 1.
double json_share(int64_t ppm);
/// Returns the frames of a sampled stack, innermost first; empty if no stack was sampled.
nlohmann::ordered_json stack_json(uint32_t stack_id, const trace::CaptureSummary& capture);

}  // namespace oomcast::report
