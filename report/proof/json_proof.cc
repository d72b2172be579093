// Suggestions and their proofs in the JSON of a report. See json_proof.h.
#include "report/proof/json_proof.h"

#include "report/json_report.h"

namespace oomcast::report {
namespace {

using Json = nlohmann::ordered_json;

Json maybe(const std::optional<int64_t>& value) { return value ? Json(*value) : Json(); }
Json maybe(const std::optional<sim::Verdict>& verdict) { return verdict ? Json(sim::verdict_name(*verdict)) : Json(); }
Json maybe(const std::string& text) { return text.empty() ? Json() : Json(text); }

Json effect_json(const Effect& effect) {
  return {{"stall_ns_total", effect.stalled.count()},
          {"forecast_s", json_seconds(effect.forecast)},
          {"pswpin", effect.pswpin},
          {"pswpout", effect.pswpout},
          {"workingset_refault_file", effect.refault_file}};
}

}  // namespace

Json try_json(const Try& suggestion) {
  const std::optional<Proof>& proof = suggestion.proof;
  Json cost;
  if (proof)
    cost = {{"held_back_bytes", proof->held_back.count()},
            {"dies", proof->dies},
            {"before", effect_json(proof->before)},
            {"after", effect_json(proof->after)}};
  return {{"change", suggestion.change},
          {"proven", suggestion.proven ? Json(*suggestion.proven) : Json()},
          {"verdict_after", maybe(suggestion.verdict_after)},
          {"settings", proof ? Json(proof->settings) : Json::array()},
          {"smallest", proof ? maybe(proof->smallest) : Json()},
          {"below", proof ? maybe(proof->below) : Json()},
          {"verdict_below", proof ? maybe(proof->verdict_below) : Json()},
          {"cost", cost},
          {"extrapolated", proof ? maybe(proof->extrapolated) : Json()},
          {"not_simulated", maybe(suggestion.not_simulated)}};
}

Json proofs_json(const ProofSummary& summary) {
  return {{"suggestions", summary.suggestions},
          {"simulated", summary.simulated},
          {"left_out", summary.left_out},
          {"not_possible", maybe(summary.not_possible)}};
}

}  // namespace oomcast::report
