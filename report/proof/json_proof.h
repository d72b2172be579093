// Suggestions and their proofs in the JSON of a report.
#pragma once

#include <nlohmann/json.hpp>

#include "report/findings.h"

namespace oomcast::report {

nlohmann::ordered_json try_json(const Try& suggestion);
nlohmann::ordered_json proofs_json(const ProofSummary& summary);

}  // namespace oomcast::report
