// Tells sweeps apart by what their result depends on. See sweep_identity.h.
#include "report/fleet/sweep_identity.h"

#include <set>

#include "model/spec/read_host.h"
#include "report/commit.h"
#include "report/fleet/fingerprint.h"

namespace oomcast::report {
namespace {

void add_all(Fingerprint& print, const std::vector<std::string>& texts) {
  print.add_number(static_cast<int64_t>(texts.size()));
  for (const std::string& text : texts) print.add(text);
}

void add_service(Fingerprint& print, const RecordedService& service) {
  print.add(service.name).add(*service.trace).add_number(service.start.count());
  add_all(print, service.limits);
  print.add_number(service.tmpfs.has_value());
  add_all(print, service.tmpfs.value_or(std::vector<std::string>{}));
  print.add_number(service.cpu_node.value_or(-2)).add_number(service.oom_score_adj.value_or(-2000));
  print.add_number(service.memory_request.count()).add_number(service.priority);
}

void add_workload(Fingerprint& print, const Workload& workload) {
  print.add(workload.trace).add_number(static_cast<int64_t>(workload.services.size()));
  for (const RecordedService& service : workload.services) add_service(print, service);
}

/// Those that decide what comes out; --set, --cgroup, --tmpfs and --limits-from are in the host.
void add_options(Fingerprint& print, const RunOptions& options) {
  print.add(options.membind).add(options.interleave).add(options.preferred);
  const sim::Options& model = options.model;
  print.add_number(model.cpu_node).add_number(model.oom_score_adj).add_number(static_cast<int64_t>(model.seed.value));
  print.add_number(model.kill_on_oom).add_number(model.refuse_enomem);
  print.add_number(model.memory_request.count()).add_number(model.priority);
}

}  // namespace

std::string sweep_identity(const SweepInput& input, const Combinations& combinations) {
  Fingerprint print;
  print.add("oomcast " OOMCAST_VERSION).add(built_commit());
  add_workload(print, input.workload);
  add_options(print, input.options);
  if (combinations.host_at() == combinations.variations().size()) print.add(host::to_json(input.host));
  for (const Variation& variation : combinations.variations()) {
    print.add(variation.key);
    add_all(print, variation.values);
  }
  return print.text();
}

std::string hosts_identity(const SweepInput& input, const Combinations& combinations, SweepRange range) {
  Fingerprint print;
  const size_t host_at = combinations.host_at();
  if (host_at == combinations.variations().size()) return print.text();
  std::set<std::string> seen;
  for (size_t i = range.first; i < range.first + range.count; ++i) {
    const std::string name = combinations.values(i)[host_at];
    if (!seen.insert(name).second) continue;
    const auto host = input.named_host(name);
    print.add(name).add(host ? host::to_json(host.value()) : host.error().message);
  }
  return print.text();
}

}  // namespace oomcast::report
