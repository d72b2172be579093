// Tells people what is worth acting on. A finding is one such thing: why it happens, on what evidence, and what to try.
//
// To add one: copy a findings_*.cc, declare its function below and add it to the table in findings.cc.
#pragma once

#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "model/sim/outcome.h"
#include "model/trace/capture_summary.h"
#include "report/remedy.h"

namespace oomcast::report {

enum class Severity : uint8_t { kInfo, kWarning, kError };
const char* severity_name(Severity severity);

/// A change to the host, the cgroup or the program. `proven` stays empty until a simulation of the changed host has
/// run: a rule of thumb and a proof must not look alike.
struct Try {
  std::string change = {};
  Remedy remedy = {};  // how to simulate it; empty: it cannot be
  std::optional<bool> proven = std::nullopt;
  std::optional<sim::Verdict> verdict_after = std::nullopt;
  std::optional<Proof> proof = std::nullopt;
  std::string not_simulated = {};  // why it was not, or not to its end; empty: it was, or nothing was to be proven
};

struct Finding {
  std::string id = {};
  Severity severity = Severity::kInfo;
  std::string title = {};
  std::string why = {};
  nlohmann::ordered_json evidence = nlohmann::ordered_json::object();
  std::vector<Try> tries = {};
};

using Findings = std::vector<Finding>;

/// How far the proofs of a report got.
struct ProofSummary {
  int suggestions = 0;  // that can be simulated
  int simulated = 0;
  int left_out = 0;          // for lack of time, or because there is no such target
  std::string not_possible;  // why none was simulated, a clause; empty: some were, or there were none
};

/// All findings, worst first; among equals in the order of the table in findings.cc.
Findings find_all(const sim::Outcome& outcome, const trace::CaptureSummary& capture);

void find_tracking(const sim::Outcome&, const trace::CaptureSummary&, Findings&);          // none, or not enough of it
void find_incomplete(const sim::Outcome&, const trace::CaptureSummary&, Findings&);        // the run went on unseen
void find_halt(const sim::Outcome&, const trace::CaptureSummary&, Findings&);              // a panic, or nobody to kill
void find_memory_high(const sim::Outcome&, const trace::CaptureSummary&, Findings&);       // asleep for memory.high
void find_oom_kill(const sim::Outcome&, const trace::CaptureSummary&, Findings&);          // why this victim
void find_oom_bystander(const sim::Outcome&, const trace::CaptureSummary&, Findings&);     // somebody else dies for it
void find_alloc_refused(const sim::Outcome&, const trace::CaptureSummary&, Findings&);     // overcommit
void find_tmpfs_full(const sim::Outcome&, const trace::CaptureSummary&, Findings&);        // a mount's limit
void find_files_in_memory(const sim::Outcome&, const trace::CaptureSummary&, Findings&);   // tmpfs in the limit
void find_group_page_cache(const sim::Outcome&, const trace::CaptureSummary&, Findings&);  // a full limit that is none
void find_file_thrash(const sim::Outcome&, const trace::CaptureSummary&, Findings&);       // files and text read again
void find_zone_reclaim(const sim::Outcome&, const trace::CaptureSummary&, Findings&);      // vm.zone_reclaim_mode
void find_services(const sim::Outcome&, const trace::CaptureSummary&, Findings&);  // who dies first, who stalls whom
void find_eviction(const sim::Outcome&, const trace::CaptureSummary&, Findings&);  // the kubelet ends a pod
void find_close(const sim::Outcome&, const trace::CaptureSummary&, Findings&);     // the verdict hangs on little
void find_close_victim(const sim::Outcome&, const trace::CaptureSummary&, Findings&);    // whom the kill hits, too
void find_direct_reclaim(const sim::Outcome&, const trace::CaptureSummary&, Findings&);  // stalls
void find_zswap(const sim::Outcome&, const trace::CaptureSummary&, Findings&);           // its pool is full
void find_swap(const sim::Outcome&, const trace::CaptureSummary&, Findings&);            // thrash, or full
void find_node_imbalance(const sim::Outcome&, const trace::CaptureSummary&, Findings&);  // one node dry, another free
void find_huge_pages(const sim::Outcome&, const trace::CaptureSummary&, Findings&);      // more held than touched
void find_guest_end(const sim::Outcome&, const trace::CaptureSummary&, Findings&);       // it died by a signal here
void find_host_sensitive(const sim::Outcome&, const trace::CaptureSummary&, Findings&);  // it looked at its machine
void find_assumed(const sim::Outcome&, const trace::CaptureSummary&, Findings&);         // guessed host fields

/// Did the program's group fill its limit with page cache that nobody read again, and nothing else give way?
bool group_lives_on_page_cache(const sim::Outcome& outcome);

/// Who would have been killed in the victim's place? Null if nobody else may be. Ties go to the later one, as in the
/// kernel.
const sim::OomCandidate* runner_up(const sim::OomKill& kill);

}  // namespace oomcast::report
