// Writes what a script reads: the whole outcome as `oomcast.report.v1` JSON; schema/oomcast.report.v1.json describes
// it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "report/chance.h"
#include "report/findings.h"
#include "report/sites.h"

namespace oomcast::report {

inline constexpr const char* kReportSchema = "oomcast.report.v1";

/// Keys are always all there and always in the same order; what nothing computes yet is null.
nlohmann::ordered_json to_json(const sim::Outcome& outcome, const trace::CaptureSummary& capture,
                               const Findings& findings, const ProofSummary& proofs = {}, const Chance& chance = {});
/// As written to the report file: two spaces of indent, columns of numbers on one line, a newline at the end.
std::string report_text(const nlohmann::ordered_json& report);

/// Parts, each of one report view.
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
/// How a program ended: by its own exit status, by a signal, or it is not known.
nlohmann::ordered_json exit_json(bool exited, int code, int signal);
/// Null: no limit.
nlohmann::ordered_json limit_json(Pages limit);
nlohmann::ordered_json pressure_line_json(const sim::PressureLine& line);
nlohmann::ordered_json watermarks_json(const host::Watermarks& marks);
nlohmann::ordered_json stall_json(const sim::Stall& stall);
nlohmann::ordered_json findings_json(const Findings& findings);
nlohmann::ordered_json coverage_json(const sim::Outcome& outcome, const trace::CaptureSummary& capture);

/// Nanoseconds as decimal seconds, rounded to microseconds.
double json_seconds(Nanoseconds t);
/// Millionths as a share.
double json_share(int64_t ppm);
/// Frames of a sampled stack, innermost first; empty where none was sampled.
nlohmann::ordered_json stack_json(uint32_t stack_id, const trace::CaptureSummary& capture);

}  // namespace oomcast::report
